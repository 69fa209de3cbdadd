package store

import (
	"fmt"
	"math"
	"syscall"
)

// leastSpace is how many free bytes the data folder is to have: a build's log takes up to VIVARIUM_LOG_LIMIT, most take little.
const leastSpace = 32 << 20

// DiskSpace says that the disk of the data folder is nearly full; nil when it is not, or that cannot be seen.
func (s *Store) DiskSpace() error {
	if left := diskSpace(s.dir); left < leastSpace {
		return fmt.Errorf("the disk of %s has %.1f MiB left: make room, at least %d MiB", s.dir, float64(left)/(1<<20), leastSpace>>20)
	}
	return nil
}

// diskSpace is how many bytes this process may still write below a folder.
func diskSpace(dir string) int64 {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return math.MaxInt64
	}
	return int64(st.Bavail) * st.Bsize
}
