package limits

import (
	"testing"
	"time"

	"vivarium/sandbox"
)

func TestAPartOfLimitsIsLowerAndStillRuns(t *testing.T) {
	whole := Limits{
		Limits: sandbox.Limits{
			Memory: 2 << 30, Disk: 4 << 30, FileSize: 4 << 30, Inodes: 1 << 18, CPUs: 2, Pids: 512, OpenFiles: 16384,
			Sockets: 100,
		},
		Timeout: 15 * time.Minute, LogLimit: 4 << 30, LogRate: 32 << 20,
	}
	want := Limits{
		Limits: sandbox.Limits{
			Memory: 1 << 30, Disk: 2 << 30, FileSize: 2 << 30, Inodes: 1 << 17, CPUs: 1, Pids: 256, OpenFiles: 16384,
			Sockets: 50,
		},
		Timeout: 450 * time.Second, LogLimit: 2 << 30, LogRate: 16 << 20,
	}
	if got := whole.Part(0.5); got != want {
		t.Errorf("half is %+v, want %+v", got, want)
	}
	if got := whole.Part(1); got != whole {
		t.Errorf("the whole is %+v", got)
	}
	least := sandbox.Least()
	got := whole.Part(0.000001)
	if got.Memory != least.Memory || got.Disk != least.Disk || got.Pids != least.Pids || got.CPUs != least.CPUs ||
		got.Inodes != least.Inodes || got.Timeout != time.Second {
		t.Errorf("nearly nothing is %+v, and what a sandbox needs is %+v", got, least)
	}
	whole.LogRate, whole.Pids = 0, 64
	if got := whole.Part(0.5); got.LogRate != 0 || got.Pids != 64 {
		t.Errorf("no limit became %d, and the least %d", got.LogRate, got.Pids)
	}
}
