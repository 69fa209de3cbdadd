package attack

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"vivarium/images/imagestest"
	"vivarium/sandbox"
	"vivarium/sandbox/eventually"
	"vivarium/sandbox/quantity"
)

// The limits of the sandbox that attacks sockets. The attack exceeds them.
const (
	socketsMemory = 64 << 20
	socketsDisk   = 32 << 20
)

// socketsBound is what the machine's sockets may hold because of the attack. Where the cgroup
// counts them, it is the limit, with room for what others do meanwhile. Where vivarium-init counts
// them, it is the share of 32 MiB and what comes at 2 GiB a second until the command is dead: 37 to
// 79 MiB were seen, and a busy machine looks later. Without the watch it is all 600 MiB.
func (w *world) socketsBound() int64 {
	if w.vivariumInitCounts() {
		return 450 << 20
	}
	return socketsMemory + socketsDisk + 32<<20
}

func (w *world) vivariumInitCounts() bool {
	return w.runner.Engine.Info().CgroupVersion == "1" && !imagestest.GVisor()
}

// TestSockets takes memory of the kernel by sockets, which version 1 of cgroups charges to nobody.
func TestSockets(t *testing.T) {
	w := theWorld(t)
	var open map[string]result
	machine := peakOfSockets(t, func() { open = w.inTheOpen(t, "sockets.py", nil) })
	for _, kind := range []string{"tcp", "tcp-small", "udp"} {
		attack(t, kind, open[kind].tried, func(t *testing.T, l *line) {
			l.control = fmt.Sprintf("in the open it has %s, and the machine's sockets %s more",
				worksInTheOpen(t, open[kind]), quantity.Bytes(machine))
			if machine < w.socketsBound()*9/8 {
				t.Errorf("control: the machine's sockets have %s more", quantity.Bytes(machine))
			}
			q := w.request(t, nil)
			low := &q.Settings.Limits
			low.Memory, low.Disk, low.FileSize = socketsMemory, socketsDisk, socketsDisk
			s, err := w.runner.Engine.Start(t.Context(), sandbox.Spec{
				Image: imagestest.Runner(t), Instance: w.runner.Instance,
				Runtime: q.Settings.Runtime, Limits: q.Settings.Limits.Limits,
				Deadline: time.Now().Add(q.Settings.Limits.Timeout),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			files := map[string]string{
				"attack_program.py": program(t, "sockets.py"),
				"probe.py":          program(t, "probe.py"),
			}
			if err := s.PutArchive(t.Context(), sandbox.Workspace, tarOf(t, files)); err != nil {
				t.Fatal(err)
			}
			var said bytes.Buffer
			var r sandbox.Result
			most := peakOfSockets(t, func() {
				r, err = s.Run(t.Context(),
					sandbox.Command{
						Argv:    []string{"python3", "attack_program.py", kind},
						Timeout: patience(t, 20*time.Second),
					},
					func(_ sandbox.Stream, p []byte) error { said.Write(p); return nil })
			})
			if most > w.socketsBound() {
				t.Errorf("the machine's sockets have %s more", quantity.Bytes(most))
			}
			l.outcome = fmt.Sprintf("the machine's sockets have %s more; the command ended by %q, out of memory %t, "+
				"for its sockets %s: %.300s",
				quantity.Bytes(most), r.Signal, r.OOMKilled, quantity.Bytes(r.Sockets),
				strings.ReplaceAll(strings.TrimSpace(said.String()), "\t", " "))
			switch {
			case err != nil && imagestest.GVisor(): // the whole sandbox ends
				l.outcome = fmt.Sprintf("the machine's sockets have %s more; %v", quantity.Bytes(most), err)
			case err != nil:
				t.Errorf("%v\n%s", err, &said)
			}
			if w.vivariumInitCounts() && r.Sockets == 0 {
				t.Error("the command was not ended for what its sockets held")
			}
		})
	}
}

// peakOfSockets returns by how much the memory of the machine's sockets grows at most while f runs.
// It first waits until what they held before is gone.
func peakOfSockets(t *testing.T, f func()) (most int64) {
	t.Helper()
	var before int64
	eventually.Within(patience(t, 10*time.Second), func() bool {
		before = ofSockets(t)
		return before <= 16<<20
	})
	quit := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
			most = max(most, ofSockets(t)-before)
			select {
			case <-quit:
				tick.Stop()
				return
			default:
			}
		}
	})
	f()
	close(quit)
	done.Wait()
	return most
}

// ofSockets adds up what the kernel says of the memory of TCP and UDP (proc_pid_net(5)), in bytes.
func ofSockets(t *testing.T) (total int64) {
	text, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		t.Error(err)
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var pages int64
		if _, after, ok := strings.Cut(line, " mem "); ok && !strings.HasPrefix(line, "UDPLITE") {
			if _, err := fmt.Sscan(after, &pages); err != nil {
				t.Error(err)
			}
		}
		total += pages * int64(os.Getpagesize())
	}
	return total
}
