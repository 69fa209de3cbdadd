package sandbox

import "testing"

func TestLoweredChangesOnlyWhatIsAsked(t *testing.T) {
	have := Limits{Memory: 2 << 30, Disk: 1 << 30, CPUs: 2, Pids: 512, FileSize: 1, OpenFiles: 1024, Inodes: 5000}
	r, err := lowered(have, Limits{Memory: 1 << 30})
	if err != nil || r.Memory != 2<<30 || r.MemorySwap != 2<<30 || r.NanoCPUs != 0 || r.PidsLimit != nil {
		t.Errorf("got %+v, %v; want memory of 2 GiB, the disk's included, and nothing else", r, err)
	}
	for _, l := range []Limits{{Memory: 3 << 30}, {CPUs: 3}, {Pids: 513}, {Pids: 5}, {Memory: 1}} {
		if _, err := lowered(have, l); err == nil {
			t.Errorf("%+v was taken", l)
		}
	}
}
