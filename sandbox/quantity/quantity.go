// Package quantity writes sizes and times for people, and reads the sizes that they write. It is
// the only place that does, so that one size looks the same in a log, on a page and in a terminal.
package quantity

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/docker/go-units"
)

// binary are the units from 1024 bytes on, each 1024 times the one before (IEC 80000-13).
var binary = []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}

// Bytes writes a number of bytes with at most four digits, such as 2 GiB or 12.75 MiB.
func Bytes(n int64) string {
	switch {
	case n <= -1024:
		return "-" + Bytes(-max(n, -math.MaxInt64))
	case n == 1:
		return "1 byte"
	case n < 1024:
		return fmt.Sprintf("%d bytes", n)
	}
	value, unit := float64(n)/1024, 0
	for value >= 1023.5 { // which four digits round to 1024
		value, unit = value/1024, unit+1
	}
	return fmt.Sprintf("%.4g %s", value, binary[unit])
}

// ParseBytes reads a size such as 512MiB, 1.5 GiB or 1g. Every unit is a power of 1024; a number
// without a unit is bytes.
func ParseBytes(s string) (int64, error) {
	return units.RAMInBytes(strings.TrimSpace(s))
}

// Duration writes a time with its two largest units, and leaves out what is zero: 1.5 s, 42 s,
// 2 min 06 s, 15 min, 2 h 03 min. A build's page writes the same (server/web/static/build.js).
func Duration(d time.Duration) string {
	if tenths := d.Round(100 * time.Millisecond); tenths < 10*time.Second {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", tenths.Seconds()), ".0") + " s"
	}
	whole := int(d.Round(time.Second).Seconds())
	switch {
	case whole < 60:
		return fmt.Sprintf("%d s", whole)
	case whole < 3600:
		return twoUnits(whole/60, "min", whole%60, "s")
	}
	return twoUnits(whole/3600, "h", whole%3600/60, "min")
}

func twoUnits(large int, unit string, small int, smaller string) string {
	if small == 0 {
		return fmt.Sprintf("%d %s", large, unit)
	}
	return fmt.Sprintf("%d %s %02d %s", large, unit, small, smaller)
}
