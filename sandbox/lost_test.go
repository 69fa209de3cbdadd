package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"vivarium/sandbox/stdio"
	"vivarium/sandbox/wire"
)

func TestOutOfMemoryIsTheReasonOnlyWhereNoOtherIsKnown(t *testing.T) {
	for name, c := range map[string]struct {
		events   []string
		exit     int
		outlived bool
		want     bool
	}{
		"struck":                  {events: []string{"start", "oom", "die", "destroy"}, exit: 137, want: true},
		"struck, and told late":   {events: []string{"start", "die", "oom", "destroy"}, exit: 137, want: true},
		"struck, and gVisor fell": {events: []string{"oom", "die", "destroy"}, exit: 2, want: true},
		"not struck":              {events: []string{"start", "die", "destroy"}, exit: 137},
		"killed through engine":   {events: []string{"oom", "kill", "die", "destroy"}, exit: 137},
		"outlived by PID 1":       {events: []string{"oom", "die", "destroy"}, exit: 137, outlived: true},
		"at its deadline":         {events: []string{"oom", "die", "destroy"}, exit: wire.ExitDeadline},
	} {
		t.Run(name, func(t *testing.T) {
			e := fakeEngine(t, func(w http.ResponseWriter, _ *http.Request) {
				for _, action := range c.events {
					_, _ = fmt.Fprintf(w, `{"Type": "container", "Action": %q}`, action)
				}
			})
			s := &Sandbox{
				engine:   e,
				id:       "c",
				stderr:   new(stdio.Tail),
				gone:     make(chan struct{}),
				cut:      make(chan struct{}),
				exitCode: c.exit,
			}
			close(s.gone)
			s.outlivedOOM.Store(c.outlived)
			lost, ok := s.lost(t.Context(), io.EOF).(*LostError)
			if !ok || lost.OOMKilled != c.want {
				t.Errorf("got %#v, want OOMKilled to be %t", lost, c.want)
			}
		})
	}
}
