package quantity

import (
	"math"
	"testing"
	"time"
)

func TestSizesAreWrittenWithTheUnitThatMakesThemShort(t *testing.T) {
	for n, want := range map[int64]string{
		0:              "0 bytes",
		1:              "1 byte",
		1023:           "1023 bytes",
		1024:           "1 KiB",
		1536:           "1.5 KiB",
		97<<10 + 470:   "97.46 KiB",
		1<<20 - 1:      "1 MiB",
		512 << 20:      "512 MiB",
		1023 << 20:     "1023 MiB",
		51 << 28:       "12.75 GiB",
		1 << 50:        "1 PiB",
		math.MaxInt64:  "8 EiB",
		-1:             "-1 bytes",
		-3 << 20:       "-3 MiB",
		math.MinInt64:  "-8 EiB",
		84_305_510_400: "78.52 GiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

// TestWhatIsWrittenCanBeReadAgain: a size that a message names can be copied into a setting.
func TestWhatIsWrittenCanBeReadAgain(t *testing.T) {
	for _, n := range []int64{1 << 10, 64 << 10, 1536 << 10, 512 << 20, 2 << 30, 51 << 28, 1 << 50} {
		if got, err := ParseBytes(Bytes(n)); err != nil || got != n {
			t.Errorf("%s was read as %d, %v; want %d", Bytes(n), got, err, n)
		}
	}
	for s, want := range map[string]int64{"12": 12, " 512MiB ": 512 << 20, "1g": 1 << 30, "1.5K": 1536} {
		if got, err := ParseBytes(s); err != nil || got != want {
			t.Errorf("%q was read as %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "much", "GiB", "1 2", "-1"} {
		if got, err := ParseBytes(s); err == nil {
			t.Errorf("%q was read as %d", s, got)
		}
	}
}

func TestDurationsAreWrittenWithTheirTwoLargestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                             "0 s",
		40 * time.Millisecond:         "0 s",
		100 * time.Millisecond:        "0.1 s",
		1530 * time.Millisecond:       "1.5 s",
		5 * time.Second:               "5 s",
		9960 * time.Millisecond:       "10 s",
		42 * time.Second:              "42 s",
		59600 * time.Millisecond:      "1 min",
		90 * time.Second:              "1 min 30 s",
		125600 * time.Millisecond:     "2 min 06 s",
		15 * time.Minute:              "15 min",
		3599600 * time.Millisecond:    "1 h",
		time.Hour + time.Second:       "1 h",
		2*time.Hour + 3*time.Minute:   "2 h 03 min",
		50*time.Hour + 30*time.Minute: "50 h 30 min",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
