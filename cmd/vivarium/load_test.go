package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"vivarium/server/github/githubtest"
)

// loadSize is how many pushes come at once: VIVARIUM_LOAD, which `make load` sets to 200. A build takes
// seconds, so that every run of the tests has fewer.
func loadSize(t *testing.T) int {
	t.Helper()
	text := os.Getenv("VIVARIUM_LOAD")
	if text == "" {
		return 8
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("VIVARIUM_LOAD=%s is no number of pushes", text)
	}
	return n
}

// TestPushesAtOnceAreAllBuiltOnce delivers many commits at once to a server with two workers: each is answered, built
// once, and gets its final status after its pending one, whatever GitHub does. How long the answers take is printed
// and not tested, since the machine may be doing other things: 99 of 100 are to come within 500 ms.
func TestPushesAtOnceAreAllBuiltOnce(t *testing.T) {
	n := loadSize(t)
	for name, faults := range map[string][]githubtest.Fault{
		"GitHub answers": nil,
		"GitHub fails, is slow and limits the rate": badDays(2 * n),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2)
			shas := w.commits(n, oneTest("pass"))
			w.serve()
			w.GitHub.Fail(faults...)
			begin := time.Now()
			ids := w.deliverAtOnce(shas)
			w.until(time.Duration(n)*20*time.Second, "every commit has its final status", func() bool {
				return !slices.ContainsFunc(shas, func(sha string) bool {
					states := w.states(sha)
					return len(states) == 0 || states[len(states)-1] == "pending"
				})
			})
			took := time.Since(begin)
			t.Logf("%d builds and statuses in %.1f s: %.1f builds per minute", n,
				took.Seconds(), float64(n)/took.Minutes())
			w.builtOnce(shas, ids)
		})
	}
}

// badDays are n faults of every kind in turn, each for one request.
func badDays(n int) []githubtest.Fault {
	kinds := []githubtest.Fault{
		githubtest.Refuse(502, "Server Error"),
		githubtest.Slow(2 * time.Second),
		githubtest.SecondaryLimit(403, "1"),
		githubtest.None(),
		githubtest.AcceptAndDrop(),
		githubtest.Drop(),
		githubtest.AcceptAndRefuse(504),
		githubtest.SecondaryLimit(429, "1"),
		githubtest.Refuse(500, "Server Error"),
		githubtest.PrimaryLimit(403, time.Now().Add(20*time.Second)),
	}
	var faults []githubtest.Fault
	for i := range n {
		faults = append(faults, kinds[i%len(kinds)])
	}
	return append(faults, githubtest.AcceptAndHang())
}

// deliverAtOnce gives the builds of the commits.
func (w *world) deliverAtOnce(shas []string) []string {
	w.t.Helper()
	ids, took := make([]string, len(shas)), make([]time.Duration, len(shas))
	var wg sync.WaitGroup
	for i, sha := range shas {
		wg.Go(func() {
			id, answer, err := w.deliver(sha)
			if err != nil || id == "" {
				w.t.Errorf("the delivery of %s: %v, %d %s", sha, err, answer.Code, answer.Body)
			}
			ids[i], took[i] = id, answer.Took
		})
	}
	wg.Wait()
	slices.Sort(took)
	at := func(percent int) time.Duration { return took[(len(took)*percent-1)/100].Round(time.Millisecond) }
	w.t.Logf("%d deliveries at once, answered: p50 %s, p99 %s, last %s", len(took), at(50), at(99), at(100))
	return ids
}

// builtOnce checks that each commit had one build of one attempt, and what GitHub was told of it.
func (w *world) builtOnce(shas, ids []string) {
	w.t.Helper()
	listed := w.ids()
	slices.Sort(listed)
	wanted := slices.Sorted(slices.Values(ids))
	if !slices.Equal(listed, wanted) {
		w.t.Errorf("the builds are %v, want %v", listed, wanted)
	}
	for i, id := range ids {
		b := w.build(id)
		if want := (shownBuild{State: "passed", Attempt: 1, Commit: shas[i]}); b != want {
			w.t.Errorf("build %s: %+v, want %+v", id, b, want)
		}
		if _, log := w.get("/logs/" + id + "/raw"); strings.Count(log, "Ran 1 test") != 1 {
			w.t.Errorf("build %s did not run its test once:\n%s", id, log)
		}
		// A pending that could not be sent before the end was known is left out. A post of which nobody knows what
		// became of it is sent again, so that the same state may come twice, and no older one after it.
		states := slices.Compact(w.states(shas[i]))
		if s := strings.Join(states, " "); s != "pending success" && s != "success" {
			w.t.Errorf("build %s: GitHub was told %s", id, s)
		}
	}
}
