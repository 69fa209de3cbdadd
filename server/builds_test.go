package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/limits"
	"vivarium/server/api"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/store/outbox"
)

func TestHealthIsWhatScriptsKnow(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/", "/healthz"} {
		a := s.get(path)
		if body := a.json(t); a.code != 200 || body["health"] != "ok" || body["message"] == "" {
			t.Errorf("GET %s answered %d %s", path, a.code, a.body)
		}
	}
}

// TestReadyzTellsWhatIsMissing: strangers learn that something is missing, the operator what.
func TestReadyzTellsWhatIsMissing(t *testing.T) {
	var log bytes.Buffer
	s := newSite(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	if a := s.get("/readyz"); a.code != 200 || a.json(t)["ready"] != true {
		t.Errorf("answered %d %s, want ready", a.code, a.body)
	}
	const why = "no engine at unix:///run/docker.sock"
	s.readyErr = errors.New(why)
	for range 3 {
		if a := s.get("/readyz"); a.code != 503 || strings.Contains(a.body, "docker.sock") ||
			!strings.Contains(a.body, "the server's log") || a.json(t)["ready"] != false {
			t.Errorf("a stranger is answered %d %s, want 503 without the worker's reason", a.code, a.body)
		}
	}
	if a := s.get("/readyz", local); a.code != 503 || !strings.Contains(a.body, why) {
		t.Errorf("this machine is answered %d %s, want 503 with the worker's reason", a.code, a.body)
	}
	s.readyErr = nil
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if a := s.get("/readyz"); a.code != 503 || !strings.Contains(a.body, "not ready: database") ||
			strings.Contains(a.body, "sql") {
			t.Errorf("answered %d %s, want 503 for the database, in our words", a.code, a.body)
		}
	}
	if n := strings.Count(log.String(), "check=database"); n != 1 {
		t.Errorf("the log tells of the database %d times, want once:\n%s", n, &log)
	}
}

func TestBuildHasTheShapeThatScriptsKnow(t *testing.T) {
	s := newSite(t)
	id := s.built("o/n", false)
	b, err := s.store.Builds.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	a := s.get(buildPath(id))
	body := a.json(t)
	for field, want := range map[string]any{
		"id": strconv.FormatInt(id, 10), "status": "success", "repo_url": "https://git.example/o/n",
		"ref": "refs/heads/main", "head_commit": b.SHA, "author": "mona",
		"time_started": float64(b.StartedAt.Unix()), "time_ended": float64(b.EndedAt.Unix()),
		"logs_truncated": false, "state": "passed", "cause": "", "summary": "3 tests passed",
		"attempt": 1.0, "image": "python-3.11", "queued_at": float64(b.QueuedAt.Unix()),
	} {
		if body[field] != want {
			t.Errorf("%s = %v, want %v", field, body[field], want)
		}
	}
	logs, _ := body["logs"].(map[string]any)
	want := map[string]any{
		"clone": "output of clone\n", "install": "output of install\n", "lint": "output of lint\n",
		"test": "output of test\n",
	}
	if fmt.Sprint(logs) != fmt.Sprint(want) {
		t.Errorf("logs = %v, want %v", logs, want)
	}
	if steps, _ := body["steps"].([]any); len(steps) != len(pipeline.StepNames) {
		t.Errorf("steps = %v, want %d", body["steps"], len(pipeline.StepNames))
	}
}

func TestLimitsInForceAreShown(t *testing.T) {
	s := newSite(t)
	var limits limits.Limits
	limits.Timeout, limits.LogLimit, limits.LogRate = 90*time.Second, 5, 6
	limits.Memory, limits.Disk, limits.CPUs, limits.Pids, limits.OpenFiles, limits.Inodes =
		512<<20, 1<<30, 0.5, 64, 100, 7
	sc := s.work()
	old := s.push("o/old", false) // like a build from before limits were stored
	sc.start(pipeline.StepPlan)
	sc.stop(pipeline.StepPlan, pipeline.StepPassed, "")
	sc.end(pipeline.Outcome{State: pipeline.Passed})
	s.ended(old)
	id := s.push("o/n", false)
	sc.act(func(ctx context.Context, rec pipeline.Recorder) (*pipeline.Outcome, error) {
		step := pipeline.Step{Name: pipeline.StepPlan, State: pipeline.StepPassed, StartedAt: time.Now(),
			EndedAt: time.Now(), Limits: limits}
		return nil, errors.Join(rec.StepStarted(ctx, step), rec.StepEnded(ctx, step))
	})
	sc.end(pipeline.Outcome{State: pipeline.Passed})
	s.ended(id)
	want := map[string]any{
		"time_seconds": 90.0, "memory": 512.0 * (1 << 20), "cpus": 0.5, "pids": 64.0, "files": 100.0,
		"disk": 1.0 * (1 << 30), "inodes": 7.0, "log_limit": 5.0, "log_rate": 6.0,
	}
	if got := s.get(buildPath(id)).json(t)["limits"]; !reflect.DeepEqual(got, want) {
		t.Errorf("limits = %v, want %v", got, want)
	}
	if page := s.get(buildPath(id), browser); !strings.Contains(page.body, limits.String()) {
		t.Errorf("the page does not say %q", limits)
	}
	if got, there := s.get(buildPath(old)).json(t)["limits"]; got != nil || !there {
		t.Errorf("of an old build: limits = %v (there: %v), want null", got, there)
	}
	if page := s.get(buildPath(old), browser); page.code != 200 || strings.Contains(page.body, "Limits") {
		t.Errorf("an old build's page is answered %d, or speaks of limits", page.code)
	}
}

func TestQueuedBuildIsPendingSinceItWasQueued(t *testing.T) {
	s := newSite(t)
	id := s.push("o/n", false)
	b, err := s.store.Builds.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	body := s.get(buildPath(id)).json(t)
	ended, there := body["time_ended"]
	if body["status"] != "pending" || body["time_started"] != float64(b.QueuedAt.Unix()) || ended != nil || !there {
		t.Errorf("status %v, time_started %v, time_ended %v (there: %v)",
			body["status"], body["time_started"], ended, there)
	}
}

func TestLongStepLogsAreCutAtACharacter(t *testing.T) {
	s := newSite(t)
	sc := s.work()
	id := s.push("o/n", false)
	sc.start(pipeline.StepTest)
	sc.write(pipeline.StepTest, pipeline.Stdout, "x"+strings.Repeat("é", maxStepLog))
	sc.stop(pipeline.StepTest, pipeline.StepFailed, pipeline.CauseTests)
	sc.end(pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseTests})
	s.ended(id)
	body := s.get(buildPath(id)).json(t)
	log, _ := body["logs"].(map[string]any)["test"].(string)
	if body["logs_truncated"] != true || len(log) != maxStepLog-1 || strings.Contains(log, "\ufffd") {
		t.Errorf("truncated %v, %d bytes ending %q; want true and %d bytes of whole characters",
			body["logs_truncated"], len(log), log[max(0, len(log)-8):], maxStepLog-1)
	}
	if body["status"] != "failure" || body["cause"] != "tests" {
		t.Errorf("status %v, cause %v", body["status"], body["cause"])
	}
}

func TestUnknownBuildsAre404Everywhere(t *testing.T) {
	s := newSite(t)
	s.push("o/n", false)
	if a := s.get("/logs/1"); a.code != 200 {
		t.Fatalf("a build that is there is answered %d", a.code)
	}
	for _, id := range []string{"2", "0", "-1", "01", "+1", "x", "99999999999999999999", "1%2e"} {
		for _, what := range []string{"", "/raw", "/events"} {
			s.get("/logs/"+id+what).wantProblem(t, http.StatusNotFound)
		}
		if a := s.get("/logs/"+id, browser); a.code != 404 || !strings.Contains(a.body, "<h1>Not Found</h1>") {
			t.Errorf("page of build %s: %d", id, a.code)
		}
	}
}

func TestListGoesBackPageByPage(t *testing.T) {
	s := newSite(t)
	const builds = 205
	for range builds {
		s.push("o/n", false)
	}
	var got []string
	path, pages := "/logs", 0
	for path != "" {
		a := s.get(path)
		body := a.json(t)
		for _, id := range body["logs"].([]any) {
			got = append(got, id.(string))
		}
		next, more := body["next"].(string)
		link := a.header.Get("Link")
		path = ""
		if more {
			path = "/logs?before=" + next
			if want := "<" + path + `>; rel="next"`; link != want {
				t.Errorf("Link %q, want %q", link, want)
			}
		} else if link != "" {
			t.Errorf("Link %q on the last page", link)
		}
		pages++
	}
	want := make([]string, builds)
	for i := range want {
		want[i] = strconv.Itoa(builds - i)
	}
	if pages != 3 || !slices.Equal(got, want) {
		t.Errorf("%d pages with %d ids %v..., want 3 with %d", pages, len(got), got[:min(3, len(got))], builds)
	}
	for _, bad := range []string{"0", "-3", "x"} {
		s.get("/logs?before="+bad).wantProblem(t, http.StatusBadRequest)
		if a := s.get("/logs?before="+bad, browser); a.code != 400 {
			t.Errorf("page before %s: %d, want 400", bad, a.code)
		}
	}
}

func TestEmptyListIsAListInJSON(t *testing.T) {
	if a := newSite(t).get("/logs"); strings.TrimSpace(a.body) != `{"logs":[]}` {
		t.Errorf("got %s", a.body)
	}
}

func TestPrivateBuildsDoNotExistForOthers(t *testing.T) {
	s := newSite(t)
	public := s.push("o/open", false)
	private := s.push("o/confidential", true)
	unknown := private + 1
	address := func(id int64, what string) string { return buildPath(id) + what }
	for _, what := range []string{"", "/raw", "/events"} {
		hidden, none := s.get(address(private, what)), s.get(address(unknown, what))
		if hidden.code != 404 || hidden.body != none.body || fmt.Sprint(hidden.header) != fmt.Sprint(none.header) {
			t.Errorf("%q of a private build: %d %q %v; of no build: %d %q %v",
				what, hidden.code, hidden.body, hidden.header, none.code, none.body, none.header)
		}
		forged := s.get(address(private, what), func(r *http.Request) { r.Header.Set("X-Forwarded-For", "127.0.0.1") })
		if forged.code != 404 {
			t.Errorf("%q of a private build is answered %d to a forged X-Forwarded-For", what, forged.code)
		}
	}
	none := s.get(buildPath(unknown), browser)
	if id := s.push("o/confidential", true); id != unknown {
		t.Fatalf("the next build is %d, not %d", id, unknown)
	}
	if hidden := s.get(buildPath(unknown), browser); hidden.code != 404 || hidden.body != none.body ||
		fmt.Sprint(hidden.header) != fmt.Sprint(none.header) {
		t.Errorf("the page of a private build differs from that of none")
	}
	for _, path := range []string{"/logs", "/"} {
		if a := s.get(path, browser); strings.Contains(a.body, "confidential") || !strings.Contains(a.body, "o/open") {
			t.Errorf("the list at %s for others: %s", path, a.body)
		}
	}
	if a := s.get("/logs"); !strings.Contains(a.body, fmt.Sprintf(`["%d"]`, public)) {
		t.Errorf("list for others: %s", a.body)
	}

	// Positive control: this machine sees it.
	if a := s.get(buildPath(private), local); a.code != 200 || a.json(t)["private"] != true {
		t.Errorf("a private build is answered %d on this machine", a.code)
	}
	if a := s.get(buildPath(private)+"/raw", local); a.code != 200 {
		t.Errorf("the log of a private build is answered %d on this machine", a.code)
	}
	if a := s.get("/logs", local); !strings.Contains(a.body,
		fmt.Sprintf(`["%d","%d","%d"]`, unknown, private, public)) {
		t.Errorf("list on this machine: %s", a.body)
	}
}

// A proxy on this machine may leave no trace in the requests that it passes on.
func TestPrivateBuildsAreShownToNobodyOnceTheServerIsPublic(t *testing.T) {
	s := newSite(t)
	private := s.push("o/confidential", true)
	if a := s.get(buildPath(private), local); a.code != 200 {
		t.Errorf("control: without a public address: %d", a.code)
	}
	s.config.PublicURL = "https://ci.example.org"
	for _, what := range []string{"", "/raw", "/events"} {
		if a := s.get(buildPath(private)+what, local); a.code != 404 {
			t.Errorf("%q of a private build: %d", what, a.code)
		}
	}
	if a := s.get("/logs", local); strings.TrimSpace(a.body) != `{"logs":[]}` {
		t.Errorf("list: %s", a.body)
	}
}

func TestRefusedStatusIsShown(t *testing.T) {
	rows := api.NewCommitStatuses([]outbox.Status{{State: "pending", Undelivered: true, LastError: "Not Found",
		Attempts: 1}})
	if r := rows[0]; r.State != "pending" || !r.Undelivered || r.Error != "Not Found" || r.SentAt != nil {
		t.Errorf("got %+v", r)
	}
}

func TestTheBuildsPageSaysHowToRunItAgain(t *testing.T) {
	s := newSite(t)
	s.deliver("push", events.Push{}.Payload())
	if page := s.get("/logs/1", browser); strings.Contains(page.body, "builds rerun") {
		t.Errorf("a build that waits is told how to be run again")
	}
	if err := s.store.Queue.Cancel(t.Context(), byTest, 1); err != nil {
		t.Fatal(err)
	}
	if page := s.get("/logs/1", browser); !strings.Contains(page.body, "<code>vivarium builds rerun 1</code>") ||
		!strings.Contains(page.body, "<em>Redeliver</em>") {
		t.Errorf("the page of a canceled build does not say how to run it again: %s", page.body)
	}
}
