package limits

import (
	"testing"
	"time"

	"vivarium/sandbox"
)

func TestLimitsNameEveryFigure(t *testing.T) {
	l := Limits{
		Limits: sandbox.Limits{
			Memory: 512 << 20, Disk: 2 << 30, Inodes: 262144, CPUs: 1.5, Pids: 512, OpenFiles: 16384,
		},
		Timeout:  15 * time.Minute,
		LogLimit: 4 << 30,
	}
	want := "time 15 min, memory 512 MiB, disk 2 GiB in 262144 files, CPUs 1.5, processes 512, " +
		"open files 16384 for each, log 4 GiB"
	if got := l.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	l.LogRate = 32 << 20
	if got := l.String(); got != want+" at 32 MiB/s" {
		t.Errorf("with a rate: got %s", got)
	}
}
