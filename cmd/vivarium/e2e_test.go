package main

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vivarium/server/github/githubtest"
)

func TestPushBecomesStatusesAndALiveLog(t *testing.T) {
	w := newWorld(t, 1)
	type seen struct {
		url  string
		code int
	}
	var targets []seen
	w.onStatus = func(st githubtest.Status) { // before GitHub has answered
		code, _ := w.get(strings.TrimPrefix(st.TargetURL, "http://"+w.addr))
		targets = append(targets, seen{st.TargetURL, code})
	}
	server, serverLog := w.serve()
	id, sha := w.push(oneTest(`print("HELLO")`))
	live := make(chan string, 1)
	go func() { _, body := w.get("/logs/" + id + "/raw?follow=1"); live <- body }()
	w.until(2*time.Minute, "both statuses are there", func() bool { return len(w.states(sha)) == 2 })
	if got := strings.Join(w.states(sha), " "); got != "pending success" {
		t.Errorf("statuses: %s", got)
	}
	if log := <-live; !strings.Contains(log, "Ran 1 test") || !strings.Contains(log, "HELLO") {
		t.Errorf("the followed log: %q", log)
	}
	w.mu.Lock()
	for _, target := range targets {
		if want := (seen{"http://" + w.addr + "/logs/" + id, 200}); target != want {
			t.Errorf("the target when its status arrived: %v, want %v", target, want)
		}
	}
	w.mu.Unlock()
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the server ended on SIGTERM with %v:\n%s", err, serverLog)
	}
}

// TestKilledServerLosesNothing kills the server with SIGKILL in the middle of a build and of a
// burst of deliveries.
func TestKilledServerLosesNothing(t *testing.T) {
	w := newWorld(t, 2)
	server, _ := w.serve()
	first, _ := w.push(oneTest("pass"))
	w.until(2*time.Minute, "the first build passes", func() bool { return w.build(first).State == "passed" })
	running, sha := w.push(oneTest(`print("SLEEPING", flush=True); time.sleep(15)`))
	w.until(2*time.Minute, "the test sleeps", func() bool {
		_, log := w.get("/logs/" + running + "/raw")
		return strings.Contains(log, "SLEEPING")
	})
	if len(w.containers()) == 0 {
		t.Fatal("control: the running container is not seen")
	}
	second := w.command("serve")
	if out, err := second.CombinedOutput(); err == nil ||
		!strings.Contains(string(out), strconv.Itoa(server.Process.Pid)) {
		t.Errorf("a second server: %v, %s", err, out)
	}
	before := w.finished(first)
	idsBefore := w.ids()

	pushed := w.commits(8, oneTest("pass"))
	answered := w.deliverUntilKilled(pushed, func() error { return server.Process.Kill() })
	w.until(time.Minute, "the containers are gone", func() bool { return len(w.containers()) == 0 })
	_ = server.Wait()

	w.serve()
	t.Logf("%d of %d deliveries were answered 202 before the server was dead", len(answered), len(pushed))
	idsAfter := w.ids()
	for _, id := range idsBefore {
		if !slices.Contains(idsAfter, id) {
			t.Errorf("/logs lacks build %s", id)
		}
	}
	for sha, id := range answered {
		if b := w.build(id); b.Commit != sha {
			t.Errorf("the delivery of %s was answered with build %s, which is now of commit %q", sha, id, b.Commit)
		}
	}
	// A user of GitHub delivers again what got no answer; the answered ones are known.
	builds := map[string]bool{first: true, running: true}
	for _, sha := range pushed {
		id, answer, err := w.deliver(sha)
		if known := answered[sha]; err != nil || id == "" || known != "" && id != known {
			t.Errorf("%s delivered again: build %q, %v, %s; before it was build %q", sha, id, err, answer.Body, known)
		}
		builds[id] = true
	}
	if ids := w.ids(); len(ids) != len(pushed)+2 || len(builds) != len(ids) {
		t.Errorf("%d commits led to the builds %v", len(pushed)+2, ids)
	}
	for id := range builds {
		w.until(5*time.Minute, "build "+id+" passes", func() bool { return w.build(id).State == "passed" })
	}
	if attempt := w.build(running).Attempt; attempt != 2 {
		t.Errorf("the build that ran is at attempt %d, want 2", attempt)
	}
	for _, sha := range append(pushed, sha) {
		w.until(time.Minute, "the final status of "+sha, func() bool {
			states := w.states(sha)
			return len(states) > 0 && states[len(states)-1] == "success"
		})
	}
	if after := w.finished(first); after != before {
		t.Errorf("the finished build changed:\n%+v\n%+v", before, after)
	}
}

// finishedBuild is all that a client can read of a build.
type finishedBuild struct{ json, raw string }

func (w *world) finished(id string) finishedBuild {
	_, body := w.get("/logs/" + id)
	_, raw := w.get("/logs/" + id + "/raw")
	return finishedBuild{body, raw}
}

// deliverUntilKilled delivers commits, several at a time, and kills the server once a few are
// answered. It gives the builds of the deliveries that were answered 202.
func (w *world) deliverUntilKilled(shas []string, kill func() error) (answered map[string]string) {
	w.t.Helper()
	const senders, enough = 4, 3
	answered = map[string]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	dead := sync.OnceValue(kill)
	for part := range slices.Chunk(shas, len(shas)/senders) {
		wg.Go(func() {
			for _, sha := range part {
				id, answer, err := w.deliver(sha)
				if err != nil {
					continue // no answer
				}
				if id == "" {
					w.t.Errorf("%s was answered %d %s", sha, answer.Code, answer.Body)
				}
				mu.Lock()
				answered[sha] = id
				n := len(answered)
				mu.Unlock()
				if n >= enough {
					if err := dead(); err != nil {
						w.t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	return answered
}
