package builds

import (
	"testing"
	"time"

	"vivarium/pipeline/limits"
)

func TestLimitsAreReadAsTheyWereWritten(t *testing.T) {
	want := limits.Limits{Timeout: time.Minute, LogLimit: 5, LogRate: 6}
	want.Memory, want.Disk, want.FileSize, want.CPUs = 1<<30, 2<<30, 4, 0.1
	want.Pids, want.OpenFiles, want.Inodes = 3, 7, 8
	if got, err := decodeLimits(encodeLimits(want)); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}
