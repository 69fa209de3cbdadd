package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/cmd/vivarium/datadir"
	"vivarium/sandbox/egress/egresstest"
	"vivarium/sandbox/engineproxy"
	"vivarium/server/store/storetest"
)

// wholeOutages makes the outages as long as in issue reports, in place of some seconds: `make
// outages` sets it.
const wholeOutages = "OUTAGES"

// outage is how long something is away.
func outage(whole time.Duration) time.Duration {
	if os.Getenv(wholeOutages) == "whole" {
		return whole
	}
	return 4 * time.Second
}

// everyDatabaseOf runs test with a world on each database.
func everyDatabaseOf(t *testing.T, workers int, test func(t *testing.T, w *world)) {
	onSQLite(t, workers, test)
	onPostgres(t, workers, test)
}

func onSQLite(t *testing.T, workers int, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t, workers)) })
}

func onPostgres(t *testing.T, workers int, test func(t *testing.T, w *world)) {
	t.Run("postgres", func(t *testing.T) {
		p, err := storetest.Start(time.Minute)
		if errors.Is(err, storetest.ErrAbsent) && os.Getenv("VIVARIUM_REQUIRE_POSTGRES") != "1" {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		address, err := p.Database(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, workers)
		// The setting must name a host; pgx prefers the socket's folder in the query.
		w.setting = append(w.setting, "VIVARIUM_DATABASE_URL="+
			strings.Replace(address, "postgres:///", "postgres://localhost/", 1),
			"VIVARIUM_KEY="+strings.Repeat("k", datadir.KeyBytes))
		test(t, w)
	})
}

// awaited is what the API says about a waiting build.
type awaited struct {
	State      string
	Summary    string
	Attempt    int
	WaitingFor *struct{ What, Why string } `json:"waiting_for"`
}

func (w *world) awaited(id string) (b awaited) {
	_, body := w.get("/logs/" + id)
	_ = json.Unmarshal([]byte(body), &b)
	return b
}

// stayGreen watches builds for as long as something is away: none may fail in that time.
func (w *world) stayGreen(away time.Duration, ids []string) {
	w.t.Helper()
	for end := time.Now().Add(away); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		for _, id := range ids {
			if b := w.awaited(id); b.State != "queued" && b.State != "running" && b.State != "passed" {
				w.t.Fatalf("build %s is %s meanwhile: %s", id, b.State, b.Summary)
			}
		}
	}
}

// endGreen waits until all builds have passed, each with one final status. Before it stand three at
// most: that the build is queued or running, what it waits for, and that it goes on.
func (w *world) endGreen(ids, shas []string) {
	w.t.Helper()
	for i, id := range ids {
		w.until(5*time.Minute, "build "+id+" ends", func() bool {
			b := w.awaited(id)
			return b.State != "queued" && b.State != "running"
		})
		if b := w.awaited(id); b.State != "passed" {
			w.t.Errorf("build %s is %s: %s", id, b.State, b.Summary)
		}
		w.until(time.Minute, "its final status", func() bool { return slices.Contains(w.states(shas[i]), "success") })
		states := w.states(shas[i])
		if final := slices.DeleteFunc(slices.Clone(states), func(s string) bool {
			return s == "pending"
		}); !slices.Equal(final, []string{"success"}) || len(states) > 4 {
			w.t.Errorf("build %s: statuses %v", id, states)
		}
	}
}

// pushAll delivers n commits of files.
func (w *world) pushAll(n int, files map[string]string) (ids, shas []string) {
	w.t.Helper()
	for _, sha := range w.commits(n, files) {
		id, answer, err := w.deliver(sha)
		if err != nil || id == "" {
			w.t.Fatalf("deliver: %v, %d %s", err, answer.Code, answer.Body)
		}
		ids, shas = append(ids, id), append(shas, sha)
	}
	return ids, shas
}

// cuttable puts a proxy that can be cut before the engine, for the world's server only.
func (w *world) cuttable() *engineproxy.Proxy {
	w.t.Helper()
	p, err := engineproxy.Start(func(*http.Request) error { return nil })
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { p.Close() })
	w.setting = append(w.setting, "DOCKER_HOST="+p.Host)
	return p
}

func TestNothingIsRedForAnEngineThatIsAway(t *testing.T) {
	lengths := []time.Duration{20 * time.Second}
	if os.Getenv(wholeOutages) == "whole" {
		lengths = append(lengths, 5*time.Minute)
	}
	for _, whole := range lengths {
		t.Run(whole.String(), func(t *testing.T) {
			everyDatabaseOf(t, 2, func(t *testing.T, w *world) { engineAway(w, outage(whole)) })
		})
	}
}

// engineAway cuts the engine off while two builds run and others wait, twenty in whole outages.
func engineAway(w *world, away time.Duration) {
	proxy := w.cuttable()
	w.serve()
	running, shas := w.pushAll(2, oneTest(`print("SLEEPING", flush=True); time.sleep(10)`))
	for _, id := range running {
		w.until(2*time.Minute, "build "+id+" runs", func() bool {
			_, log := w.get("/logs/" + id + "/raw")
			return strings.Contains(log, "SLEEPING")
		})
	}
	waiting := 6
	if os.Getenv(wholeOutages) == "whole" {
		waiting = 20
	}
	queued, more := w.pushAll(waiting, oneTest("pass"))
	proxy.Cut()
	w.until(20*time.Second, "both builds wait for the engine", func() bool {
		return !slices.ContainsFunc(running, func(id string) bool {
			b := w.awaited(id)
			return b.State != "queued" || b.WaitingFor == nil || b.WaitingFor.What != "engine"
		})
	})
	w.until(20*time.Second, "/readyz says it", func() bool {
		code, body := w.get("/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "engine")
	})
	ids := append(running, queued...)
	w.stayGreen(away, ids)
	for _, id := range queued {
		if b := w.awaited(id); b.Attempt != 0 {
			w.t.Errorf("build %s was begun while the engine was away", id)
		}
	}
	proxy.Restore()
	w.endGreen(ids, append(shas, more...))
	for _, id := range running {
		if b := w.build(id); b.Attempt != 2 {
			w.t.Errorf("build %s, which ran, is at attempt %d", id, b.Attempt)
		}
	}
}

// TestNothingIsRedForAGitHostOrAnIndexThatIsAway tries each fault of each of them on each database
// in whole outages; in short ones each of them and each fault meets each database once.
func TestNothingIsRedForAGitHostOrAnIndexThatIsAway(t *testing.T) {
	whole := os.Getenv(wholeOutages) == "whole"
	for _, c := range []struct {
		what, name string
		fault      egresstest.Fault
		on         func(*testing.T, int, func(*testing.T, *world))
	}{
		{"clone", "hangs up", egresstest.Drop, onSQLite},
		{"clone", "502", egresstest.Status(http.StatusBadGateway), onPostgres},
		{"index", "hangs up", egresstest.Drop, onPostgres},
		{"index", "502", egresstest.Status(http.StatusBadGateway), onSQLite},
	} {
		if whole {
			c.on = everyDatabaseOf
		}
		t.Run(c.what+" "+c.name, func(t *testing.T) {
			c.on(t, 2, func(t *testing.T, w *world) { hostAway(w, c.what, c.fault, outage(time.Minute)) })
		})
	}
}

// hostAway has the git host or the index answer by a fault while builds need it.
func hostAway(w *world, what string, fault egresstest.Fault, away time.Duration) {
	files := oneTest("import greeter")
	files["requirements.txt"] = "greeter==1.0\n"
	w.Index.Add(egresstest.Wheel("greeter", "1.0", map[string]string{"greeter.py": "WORD = 'hello'\n"}))
	set := map[string]func(egresstest.Fault){"clone": w.Git.SetFault, "index": w.Index.SetFault}[what]
	w.serve()
	set(fault)
	ids, shas := w.pushAll(6, files)
	w.until(time.Minute, "a build waits for it", func() bool {
		b := w.awaited(ids[0])
		return b.WaitingFor != nil && b.WaitingFor.What == what
	})
	w.stayGreen(away, ids)
	set(nil)
	w.endGreen(ids, shas)
}

// TestAStalledEngineIsSaidAtTheStart: the engine accepts the connection and answers nothing.
func TestAStalledEngineIsSaidAtTheStart(t *testing.T) {
	w := newWorld(t, 1)
	proxy := w.cuttable()
	proxy.Stall()
	began := time.Now()
	out, err := w.command("serve").CombinedOutput()
	var exit *exec.ExitError
	if took := time.Since(began); !errors.As(err, &exit) || took > 10*time.Second ||
		!strings.Contains(string(out), "does not answer") {
		t.Errorf("after %s: %v, %s", took, err, out)
	}
	proxy.Restore() // the control: with the same settings it serves
	w.serve()
}
