package attack

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vivarium/pipeline"
)

// TestRepositoryRequirements lets a repository's setup.py, which has the index at hand, run pip on
// files that lead it to an oracle on this machine. Then the same program runs in an open container,
// where each file gets there.
func TestRepositoryRequirements(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	o := newOracle(t)
	address := w.listenHTTP(t, o)
	outside := filepath.Join(t.TempDir(), "outside.txt")
	if err := os.WriteFile(outside, []byte("-i http://"+address+"/file-url/\n"+canary), 0o644); err != nil {
		t.Fatal(err)
	}
	setup, _ := w.inSandbox(t, "requirements.py", targetsOf(t, address, outside))
	reached := o.take()
	data := targetsOf(t, address, "/attack/outside.txt")
	data["outside.txt"] = "-i http://" + address + "/file-url/\n" + canary
	open := w.inTheOpen(t, "requirements.py", data)
	seen := o.take()
	for name, r := range sorted(open) {
		attack(t, name, setup[name].tried, func(t *testing.T, l *line) {
			if seen["http "+name] == 0 {
				t.Errorf("control: nothing arrives from an open container either: %+v", r)
			}
			l.control = fmt.Sprintf("%d arrived from an open container", seen["http "+name])
			if n := reached["http "+name]; n != 0 || setup[name].outcome != "refused" {
				t.Errorf("%d arrived, and pip said %+v", n, setup[name])
			}
			l.outcome = "0 arrived; it ended with: " + setup[name].detail
		})
	}
	attack(t, "by-the-plan", "a requirements.txt with --index-url, "+
		"built as any repository is", func(t *testing.T, l *line) {
		if seen["http trusted-host"] == 0 {
			t.Error("control: nothing arrives from an open container either")
		}
		l.control = "such a file reaches it from an open container"
		got, log := w.build(t,
			map[string]string{"requirements.txt": "--trusted-host " + address + "\n--index-url http://" + address +
				"/by-the-plan/\nattack-nowhere\n"})
		if n := o.take(); got.Cause != pipeline.CauseInstall || len(n) != 0 || strings.Contains(log.String(), canary) {
			t.Errorf("%v arrived, and the build ended with %q: %s", n, got.Cause, got.Summary)
		}
		l.outcome = "0 arrived; failed by install: " + got.Summary
	})
}

func targetsOf(t *testing.T, address, file string) map[string]string {
	t.Helper()
	text, err := json.Marshal(map[string]string{"oracle": "http://" + address, "file": file})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"targets.json": string(text)}
}

// listenHTTP counts requests at the engine's bridge by the first part of their paths.
func (w *world) listenHTTP(t *testing.T, o *oracle) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(w.bridgeGateway(t), "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		o.count("http", strings.Split(r.URL.Path, "/")[1])
		http.NotFound(rw, r)
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return l.Addr().String()
}
