package attack

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/images/imagestest"
	"vivarium/sandbox"
	"vivarium/sandbox/eventually"
)

// counted are the things that Linux counts by user.
var counted = []struct{ name, tried string }{
	{"inotify", "using up inotify instances"},
	{"queues", "using up the bytes of POSIX message queues"},
	{"pipes", "using up the pages of pipes"},
	{"in-flight", "using up descriptors in flight"},
	{"signals", "using up queued signals"},
}

// openLocks are the namespaces on which two sandboxes may see each other's locks. Runtimes make no
// user namespace for a container, and runc 1.1 and older make no time namespace. No filter of
// system calls can tell them from other files. SECURITY.md names them.
var openLocks = []string{"time", "user"}

// TestNeighbours lets one sandbox use up what its user may have, and lock what two can open.
// Another sandbox checks what it has left.
func TestNeighbours(t *testing.T) {
	w := theWorld(t)
	a, b := w.box(t, "neighbours.py", nil), w.box(t, "neighbours.py", nil)
	within, stop := hold(t, a)
	defer stop()
	beside := results(t, look(t, b))
	for _, c := range counted {
		attack(t, c.name, c.tried, func(t *testing.T, l *line) {
			l.control = "a second process of the same sandbox gets none: " + within[c.name].detail
			if within[c.name].outcome != "refused" {
				l.control = "gVisor keeps no such bound: " + within[c.name].detail
				if !imagestest.GVisor() {
					t.Errorf("control: in the same sandbox it %s (%s)", within[c.name].outcome, within[c.name].detail)
				}
			}
			l.outcome = "a sandbox beside it has all of its own"
			if got := beside[c.name]; got.outcome != "worked" &&
				(!imagestest.GVisor() || within[c.name].outcome == "refused") {
				t.Errorf("in a sandbox beside it: %s (%s)", got.outcome, got.detail)
			}
		})
	}
	attack(t, "lock-files", "seeing another sandbox's locks on devices and "+
		"files of the kernel and the image", func(t *testing.T, l *line) {
		l.control = seenWithin(t, within["lock-files"])
		l.outcome = "a sandbox beside it sees " + beside["lock-files"].detail
		if got := beside["lock-files"]; got.outcome != "refused" {
			t.Errorf("a sandbox beside it sees locks on %s", got.detail)
		}
	})
	attack(t, "lock-namespaces", "seeing another sandbox's locks on namespaces", func(t *testing.T, l *line) {
		own := within["lock-namespaces"]
		if imagestest.GVisor() && own.outcome == "refused" { // there no two processes share one
			own = within["lock-files"]
		}
		l.control = seenWithin(t, own)
		got := beside["lock-namespaces"]
		l.outcome = "a sandbox beside it sees " + got.detail
		if got.outcome == "refused" {
			return
		}
		l.outcome += ", which SECURITY.md names"
		for name := range strings.FieldsSeq(got.detail) {
			if got.outcome != "worked" || !slices.Contains(openLocks, strings.TrimSuffix(name, "_for_children")) {
				t.Errorf("a sandbox beside it sees locks on %s (%s)", got.detail, got.outcome)
			}
		}
	})
}

func seenWithin(t *testing.T, r result) string {
	t.Helper()
	if r.outcome != "worked" {
		t.Errorf("control: in the same sandbox it %s (%s)", r.outcome, r.detail)
	}
	return "a second process of the same sandbox sees " + r.detail
}

// hold starts the attack, gives what a second process of the same sandbox has left, and lets the
// attack go on until stop.
func hold(t *testing.T, s *sandbox.Sandbox) (within map[string]result, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	said, ended := new(log), make(chan error, 1)
	go func() {
		_, err := s.Run(ctx, neighbour("hold"), func(_ sandbox.Stream, p []byte) error {
			return said.Output(ctx, "", "", p)
		})
		ended <- err
	}()
	enough := errors.New("seen enough")
	stop = func() {
		cancel(enough)
		if err := <-ended; !errors.Is(err, enough) {
			t.Errorf("the attack ended early (%v):\n%s", err, said)
		}
	}
	holding := func() bool { return strings.Contains(said.String(), "HOLDING") }
	eventually.Within(patience(t, time.Minute), func() bool { return holding() || len(ended) > 0 })
	if !holding() {
		stop()
		t.Fatalf("the attack holds nothing:\n%s", said)
	}
	return results(t, said.String()), stop
}

func look(t *testing.T, s *sandbox.Sandbox) string {
	t.Helper()
	said := new(log)
	r, err := s.Run(t.Context(), neighbour("look"), func(_ sandbox.Stream, p []byte) error {
		return said.Output(t.Context(), "", "", p)
	})
	if err != nil || !r.Success() {
		t.Fatalf("looking ended as %+v, %v:\n%s", r, err, said)
	}
	return said.String()
}

func neighbour(role string) sandbox.Command {
	return sandbox.Command{Argv: []string{"python3", "-u", "attack_program.py", role}}
}
