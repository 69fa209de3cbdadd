package attack

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/network"

	"vivarium/sandbox/eventually"
	"vivarium/server/servertest"
)

var inspectOptions = network.InspectOptions{}

// targets are what reach.py sends to.
type targets struct {
	Port  int                 `json:"port"`
	Means map[string][]string `json:"means"`
}

// TestReach sends from inside a sandbox to the machine itself, to its LAN and to a cloud's metadata
// address. Afterwards the same program in an open container shows that the oracles at these
// addresses work.
func TestReach(t *testing.T) {
	w := theWorld(t)
	o := newOracle(t)
	onHost := []string{"127.0.0.1", w.bridgeGateway(t), hostOnLAN}
	onLAN := []string{lan, metadata, lan6}
	port := freePort(t)
	inLAN(t, func() {
		for _, host := range onLAN {
			if err := o.listen(host, port); err != nil {
				t.Error(err)
			}
		}
		if err := o.dns(lan); err != nil {
			t.Error(err)
		}
	})
	for _, host := range onHost {
		if err := o.listen(host, port); err != nil {
			t.Fatal(err)
		}
	}
	all := append(onHost, onLAN...)
	to := targets{port, map[string][]string{"tcp": all, "udp": all, "icmp": all, "dns": {lan}}}
	text, err := json.Marshal(to)
	if err != nil {
		t.Fatal(err)
	}
	data := map[string]string{"targets.json": string(text)}

	setup, tests := w.inSandbox(t, "reach.py", data)
	reached := o.take()
	open := w.inTheOpen(t, "reach.py", data)
	seen := o.await(open)
	for _, name := range slices.Sorted(maps.Keys(open)) {
		attack(t, strings.ReplaceAll(name, " ", "-"), open[name].tried+" from inside", func(t *testing.T, l *line) {
			if seen[name] == 0 {
				t.Errorf("control: nothing arrives from an open container either (%+v)", open[name])
				return
			}
			l.control = fmt.Sprintf("%d arrived from an open container", seen[name])
			if n := reached[name]; n != 0 {
				t.Errorf("%d arrived", n)
			}
			l.outcome = fmt.Sprintf("0 arrived; the sender was told: %s", senders(setup[name], tests[name]))
		})
	}
}

// await gives the counts once everything that was sent has arrived, or after some time.
func (o *oracle) await(sent map[string]result) map[string]int {
	counts := map[string]int{}
	eventually.Within(5*time.Second, func() bool {
		for name, n := range o.take() {
			counts[name] += n
		}
		return len(counts) == len(sent)
	})
	return counts
}

func senders(rs ...result) string {
	var said []string
	for _, r := range rs {
		if text := strings.TrimSpace(r.outcome + " " + r.detail); !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	return strings.Join(said, ", ")
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := servertest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestServices checks that each of the two services answers in its own step alone.
func TestServices(t *testing.T) {
	w := theWorld(t)
	setup, tests := w.inSandbox(t, "services.py", nil)
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		attack(t, name, tests[name].tried+" after its step", func(t *testing.T, l *line) {
			l.control = "the same in setup.py: " + setup[name].outcome + " " + setup[name].detail
			if name == "git" {
				l.control = "the clone worked through it"
				if setup[name].outcome != "refused" {
					t.Errorf("in setup.py it %s (%s)", setup[name].outcome, setup[name].detail)
				}
			} else if setup[name].outcome != "worked" {
				t.Errorf("control: in setup.py it %s (%s)", setup[name].outcome, setup[name].detail)
			}
			if tests[name].outcome != "refused" {
				t.Errorf("in the tests it %s (%s)", tests[name].outcome, tests[name].detail)
			}
			l.outcome = "refused (" + tests[name].detail + ") in the tests"
		})
	}
}
