package limits

import (
	"fmt"

	"vivarium/sandbox"
	"vivarium/sandbox/quantity"
)

// OutOfMemory names what processes may use. The kernel enforces the sum of memory and disk, since
// files are memory too, so a build with few files has more memory. The plan names both.
func (l Limits) OutOfMemory() string {
	return fmt.Sprintf("out of memory: %s limit", quantity.Bytes(l.Memory))
}

// DiskFull distinguishes too many files from too much data in them.
func (l Limits) DiskFull(r sandbox.Result) string {
	if r.DiskFull == sandbox.Terminals {
		return fmt.Sprintf("too many pseudo-terminals: %d limit", sandbox.MaxTerminals)
	}
	if r.InodesFull {
		return fmt.Sprintf("disk full: too many files in %s, %d limit over all", r.DiskFull, l.Inodes)
	}
	return fmt.Sprintf("disk full: no room left in %s, %s limit over all", r.DiskFull, quantity.Bytes(l.Disk))
}

// TimedOut names the time that a build may take.
func (l Limits) TimedOut() string {
	return fmt.Sprintf("timed out: %s limit for the build", quantity.Duration(l.Timeout))
}

// TooMuchOutput names how much a build may write.
func (l Limits) TooMuchOutput() string {
	return fmt.Sprintf("too much output: %s limit", quantity.Bytes(l.LogLimit))
}
