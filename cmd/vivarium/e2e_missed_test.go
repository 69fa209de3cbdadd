package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"vivarium/server/github/githubtest/events"
)

// TestAServerBehindNATBuildsWhatIsPushed: no delivery ever comes. What is pushed while it is away is
// built after its start, and those who asked for it are told that the branch turned.
func TestAServerBehindNATBuildsWhatIsPushed(t *testing.T) {
	w := newWorld(t, 1)
	var mu sync.Mutex
	var told []string
	people := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var m struct{ Turned, Sha string }
		if err != nil || r.Header.Get("X-Hub-Signature-256") != events.Sign("told", body) ||
			json.Unmarshal(body, &m) != nil {
			t.Errorf("told %s, %v", body, err)
		}
		mu.Lock()
		defer mu.Unlock()
		told = append(told, m.Turned+" "+m.Sha)
	}))
	t.Cleanup(people.Close)
	w.unset = []string{"VIVARIUM_PUBLIC_URL", "GITHUB_WEBHOOK_SECRET", "VIVARIUM_REPOSITORIES"}
	w.setting = []string{
		"VIVARIUM_POLL=1s", "VIVARIUM_NOTIFY=webhook+" + people.URL, "VIVARIUM_NOTIFY_SECRET=told",
		"VIVARIUM_GITHUB_BUDGET=on",
	}
	if out, err := w.command("repos", "add", "--new", repository).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	push := func(test string) string {
		sha := w.commits(1, oneTest(test))[0]
		w.GitHub.Repo(repository).SetRef("main", sha)
		return sha
	}
	ends := func(sha, state string) {
		t.Helper()
		w.until(3*time.Minute, sha+" ends as "+state, func() bool { return slices.Contains(w.states(sha), state) })
	}
	first := push("pass")
	server, _ := w.serve()
	ends(first, "success")
	second := push("self.fail()")
	ends(second, "failure")
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()
	push("self.skipTest('nobody sees this one')")
	last := push("assert True")
	w.serve()
	ends(last, "success")
	w.until(time.Minute, "people are told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return slices.Equal(told, []string{"red " + second, "green " + last})
	})
	if got := w.ids(); len(got) != 3 {
		t.Errorf("builds %v", got)
	}
}
