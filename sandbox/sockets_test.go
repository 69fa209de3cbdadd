package sandbox

import "testing"

func TestSocketsHaveAShareWhereNoCgroupCountsThem(t *testing.T) {
	for _, c := range []struct {
		name, version, runtime string
		memory, want           int64
	}{
		{"version 1", "1", "", 2 << 30, 256 << 20},
		{"version 1, little memory", "1", "runc", 64 << 20, 32 << 20},
		{"version 2 counts them", "2", "", 2 << 30, 0},
		{"gVisor's are its own memory", "1", "runsc-kvm", 2 << 30, 0},
	} {
		if got := SocketShare(c.memory, c.runtime, Info{CgroupVersion: c.version}); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}
