package sandbox

import "testing"

func TestOnlyGVisorCountsTasksItself(t *testing.T) {
	for runtime, want := range map[string]struct{ host, counted int64 }{
		"":            {512, 0},
		"kata":        {512, 0},
		RuntimeGVisor: {9216, 512},
	} {
		s := Spec{Runtime: runtime, Limits: Limits{Pids: 512}}
		if host, counted := s.HostPids(), countedPids(s); host != want.host || counted != want.counted {
			t.Errorf("runtime %q: the host allows %d and vivarium-init %d, want %+v", runtime, host, counted, want)
		}
	}
}
