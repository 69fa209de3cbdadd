package github_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vivarium/pipeline"
	"vivarium/server/github"
	"vivarium/server/github/githubtest"
)

const (
	repo  = "octo-org/hello"
	token = "ghp_aCanaryThatMustNotBeSeen0123456789abcd"
)

var sha = strings.Repeat("ab", 20)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect starts a stand-in that knows repo, and a client that uses it.
func connect(t *testing.T, o githubtest.Options) (*githubtest.Server, *github.Client) {
	t.Helper()
	if o.Token == "" {
		o.Token = token
	}
	s, err := githubtest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.AddRepo(repo)
	return s, client(t, github.Config{APIURL: s.URL(), Tokens: pipeline.FixedToken(o.Token), Timeout: time.Minute})
}

func client(t *testing.T, c github.Config) *github.Client {
	t.Helper()
	gh, err := github.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gh.Close)
	return gh
}

func status(state string) pipeline.CommitStatus {
	return pipeline.CommitStatus{
		Repo: repo, SHA: sha, Context: "vivarium", State: state,
		Description: "All 4 tests passed", TargetURL: "https://ci.example.org/logs/7",
	}
}

func TestPostedStatusesAreReadBackNewestFirst(t *testing.T) {
	s, c := connect(t, githubtest.Options{})
	other := status("failure")
	other.Context = "lint"
	for _, st := range []pipeline.CommitStatus{status("pending"), other, status("success")} {
		if err := c.Post(t.Context(), st); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Read(t.Context(), repo, sha, "Vivarium") // GitHub ignores case
	if err != nil || got != status("success") {
		t.Errorf("Read = %+v, %v, want %+v", got, err, status("success"))
	}
	if got, err := c.Read(t.Context(), repo, sha, "unknown"); err != nil || got.State != "" {
		t.Errorf("Read of an unknown context = %+v, %v, want none", got, err)
	}
	s.Repo(repo).SetRef("feature/x", sha)
	all, err := c.Statuses(t.Context(), repo, "feature/x")
	if err != nil {
		t.Fatal(err)
	}
	want := []pipeline.CommitStatus{status("success"), other, status("pending")}
	if fmt.Sprint(all) != fmt.Sprint(want) {
		t.Errorf("Statuses = %+v, want %+v", all, want)
	}
}

func TestStatusesReadsEveryPage(t *testing.T) {
	_, c := connect(t, githubtest.Options{})
	c2 := status("pending")
	for i := range 150 {
		c2.Context = fmt.Sprintf("context %d", i)
		if err := c.Post(t.Context(), c2); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := c.Statuses(t.Context(), repo, sha); err != nil || len(all) != 150 {
		t.Errorf("Statuses gave %d, %v, want 150", len(all), err)
	}
	if got, err := c.Read(t.Context(), repo, sha, "context 0"); err != nil || got.State != "pending" {
		t.Errorf("Read of the oldest context = %+v, %v", got, err)
	}
}

func TestPostLeavesOutAnEmptyTargetURL(t *testing.T) {
	_, c := connect(t, githubtest.Options{})
	st := status("success")
	st.TargetURL = ""
	if err := c.Post(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Read(t.Context(), repo, sha, "vivarium"); err != nil || got != st {
		t.Errorf("Read = %+v, %v, want %+v", got, err, st)
	}
}

func TestPostGivesUpOnRefusalsInGitHubsOwnWords(t *testing.T) {
	unknownCommit := strings.Repeat("cd", 20)
	cases := map[string]struct {
		prepare func(s *githubtest.Server)
		change  func(st *pipeline.CommitStatus)
		code    int
		want    string
	}{
		"permission": {
			prepare: func(s *githubtest.Server) {
				s.Fail(githubtest.Refuse(403, "Resource not accessible by personal access token"))
			},
			code: 403, want: "Resource not accessible by personal access token",
		},
		"unknown repository": {
			change: func(st *pipeline.CommitStatus) { st.Repo = "octo-org/other" },
			code:   404,
			want:   "Not Found",
		},
		"unknown commit": {
			prepare: func(s *githubtest.Server) { s.AddRepo(repo, sha) },
			change:  func(st *pipeline.CommitStatus) { st.SHA = unknownCommit },
			code:    422, want: "No commit found for SHA: " + unknownCommit,
		},
		"state": {
			change: func(st *pipeline.CommitStatus) { st.State = "passed" },
			code:   422, want: "Validation Failed; state custom: state is not included in the list",
		},
		"context": {
			change: func(st *pipeline.CommitStatus) { st.Context = strings.Repeat("x", 256) },
			code:   422, want: "context is too long",
		},
		"target URL": {
			change: func(st *pipeline.CommitStatus) { st.TargetURL = "ftp://example.org" },
			code:   422,
			want:   "target_url must use http(s) scheme",
		},
		"gone": {
			prepare: func(s *githubtest.Server) { s.Fail(githubtest.Refuse(410, "Gone")) },
			code:    410,
			want:    "Gone",
		},
		"moved": {
			prepare: func(s *githubtest.Server) { s.Fail(githubtest.Redirect(301, "/repositories/1/statuses/1")) },
			code:    301,
			want:    "not followed",
		},
		"moved to another host": {
			prepare: func(s *githubtest.Server) { s.Fail(githubtest.Redirect(307, "http://example.invalid/")) },
			code:    307, want: "not followed",
		},
		// These are refused before a request is sent.
		"description": {
			change: func(st *pipeline.CommitStatus) { st.Description = strings.Repeat("ä", 141) },
			code:   422,
			want:   "141 characters",
		},
		"path for a name": {
			change: func(st *pipeline.CommitStatus) { st.Repo = "octo-org/../admin" },
			code:   422,
			want:   "not the full name",
		},
		"branch for a SHA": {
			change: func(st *pipeline.CommitStatus) { st.SHA = "main" },
			code:   422,
			want:   "not the full id",
		},
		"path in place of SHA": {
			change: func(st *pipeline.CommitStatus) { st.SHA = "../../x/y/statuses/1" },
			code:   422,
			want:   "not the full id",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, client := connect(t, githubtest.Options{})
			if c.prepare != nil {
				c.prepare(s)
			}
			st := status("success")
			if c.change != nil {
				c.change(&st)
			}
			err := client.Post(t.Context(), st)
			var refused *pipeline.RefusedError
			if !errors.As(err, &refused) || refused.Code != c.code || !strings.Contains(refused.Message, c.want) {
				t.Errorf("Post = %v, want code %d and %q", err, c.code, c.want)
			}
			if n := len(s.Statuses()); n != 0 {
				t.Errorf("%d statuses were accepted", n)
			}
		})
	}
}

func TestPostTakesTheLongestDescription(t *testing.T) {
	_, c := connect(t, githubtest.Options{})
	st := status("success")
	st.Description = strings.Repeat("ä", github.MaxDescription)
	if err := c.Post(t.Context(), st); err != nil {
		t.Error(err)
	}
}

func TestTheThousandAndFirstStatusIsUndeliverable(t *testing.T) {
	s, c := connect(t, githubtest.Options{})
	for range 1000 {
		if err := c.Post(t.Context(), status("pending")); err != nil {
			t.Fatal(err)
		}
	}
	err := c.Post(t.Context(), status("success"))
	var refused *pipeline.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(refused.Message, "maximum number of statuses") {
		t.Errorf("Post = %v", err)
	}
	if n := len(s.Statuses()); n != 1000 {
		t.Errorf("%d statuses were accepted, want 1000", n)
	}
}

func TestPostIsToBeRetriedWhenGitHubMayTakeItLater(t *testing.T) {
	begin := time.Now()
	in := begin.Add
	cases := map[string]struct {
		fault  githubtest.Fault
		at     time.Time // zero: no time is named
		unsure bool
	}{
		"server error":             {githubtest.Refuse(500, "Server Error"), time.Time{}, false},
		"unavailable":              {githubtest.Refuse(503, "Unavailable"), time.Time{}, false},
		"bad gateway":              {githubtest.Refuse(502, "Server Error"), time.Time{}, true},
		"gateway time-out, taken":  {githubtest.AcceptAndRefuse(504), time.Time{}, true},
		"time-out, taken":          {githubtest.AcceptAndHang(), time.Time{}, true},
		"time-out":                 {githubtest.Slow(10 * time.Second), time.Time{}, true},
		"connection cut":           {githubtest.Drop(), time.Time{}, true},
		"connection cut, taken":    {githubtest.AcceptAndDrop(), time.Time{}, true},
		"secondary limit, seconds": {githubtest.SecondaryLimit(403, "42"), in(42 * time.Second), false},
		"secondary limit, 429":     {githubtest.SecondaryLimit(429, "42"), in(42 * time.Second), false},
		"secondary limit, date": {
			githubtest.SecondaryLimit(403, in(2*time.Minute).UTC().Format(http.TimeFormat)),
			in(2 * time.Minute),
			false,
		},
		"secondary limit, no time":     {githubtest.SecondaryLimit(403, ""), in(time.Minute), false},
		"secondary limit, for ever":    {githubtest.SecondaryLimit(429, "999999999"), in(time.Hour), false},
		"secondary limit, nonsense":    {githubtest.SecondaryLimit(429, "soon"), in(time.Minute), false},
		"primary limit":                {githubtest.PrimaryLimit(403, in(10*time.Minute)), in(10 * time.Minute), false},
		"primary limit, 429":           {githubtest.PrimaryLimit(429, in(10*time.Minute)), in(10 * time.Minute), false},
		"primary limit, reset for now": {githubtest.PrimaryLimit(403, in(-time.Second)), in(-time.Second), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, gh := connect(t, githubtest.Options{})
			if strings.HasPrefix(name, "time-out") {
				gh = client(t, github.Config{
					APIURL:  s.URL(),
					Tokens:  pipeline.FixedToken(token),
					Timeout: 300 * time.Millisecond,
				})
			}
			s.Fail(c.fault)
			err := gh.Post(t.Context(), status("success"))
			var retry *pipeline.RetryError
			if !errors.As(err, &retry) {
				t.Fatalf("Post = %v, want a RetryError", err)
			}
			if retry.Unsure != c.unsure {
				t.Errorf("unsure = %v, want %v: %v", retry.Unsure, c.unsure, err)
			}
			// Some of these count from the answer, and GitHub counts in whole seconds.
			first, last := c.at.Add(-2*time.Second), c.at.Add(2*time.Second+time.Since(begin))
			if c.at.IsZero() != retry.At.IsZero() || !c.at.IsZero() &&
				(retry.At.Before(first) || retry.At.After(last)) {
				t.Errorf("retry at %v, want %v", retry.At, c.at)
			}
			if strings.Contains(err.Error(), token) {
				t.Errorf("the error shows the token: %v", err)
			}
			inTime := strings.HasPrefix(name, "time-out")
			if strings.Contains(err.Error(), "no answer from GitHub in time") != inTime {
				t.Errorf("Post = %v, but it is %v that GitHub did not answer in time", err, inTime)
			}
		})
	}
}

func TestNothingIsAskedWhileARateLimitHolds(t *testing.T) {
	s, c := connect(t, githubtest.Options{})
	s.Fail(githubtest.SecondaryLimit(403, "60"))
	first := c.Post(t.Context(), status("pending"))
	second := c.Post(t.Context(), status("success"))
	for _, err := range []error{first, second} {
		var retry *pipeline.RetryError
		if !errors.As(err, &retry) || time.Until(retry.At) < 50*time.Second || retry.Unsure {
			t.Errorf("Post = %v, want a retry in a minute", err)
		}
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests were made, want 1", n)
	}
}

func TestPostsGoOnAfterARateLimit(t *testing.T) {
	s, c := connect(t, githubtest.Options{})
	s.Fail(githubtest.SecondaryLimit(429, "0"))
	if err := c.Post(t.Context(), status("pending")); err == nil {
		t.Fatal("the fault did not strike")
	}
	if err := c.Post(t.Context(), status("pending")); err != nil {
		t.Error(err)
	}
}

func TestPostOfAnUnreachableHostIsSureToHaveFailed(t *testing.T) {
	c := client(t, github.Config{APIURL: "http://127.0.0.1:1", Tokens: pipeline.FixedToken(token)})
	err := c.Post(t.Context(), status("success"))
	var retry *pipeline.RetryError
	if !errors.As(err, &retry) || retry.Unsure {
		t.Errorf("Post = %v (%+v), want a sure RetryError", err, retry)
	}
}

func TestPostTellsACancelFromAFault(t *testing.T) {
	s, c := connect(t, githubtest.Options{})
	s.Fail(githubtest.AcceptAndHang())
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		s.Wait(ctx, func(got []githubtest.Status) bool { return len(got) > 0 })
		cancel()
	}()
	err := c.Post(ctx, status("success"))
	var retry *pipeline.RetryError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &retry) || !retry.Unsure {
		t.Errorf("Post = %v, want an unsure RetryError about the cancel", err)
	}
}

func TestTheTokenGoesToTheAPIsOwnOriginOnly(t *testing.T) {
	var seen http.Header
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen = r.Header }))
	defer elsewhere.Close()
	s, c := connect(t, githubtest.Options{})
	s.Fail(githubtest.Redirect(302, elsewhere.URL))
	if _, err := c.Read(t.Context(), repo, sha, "vivarium"); err == nil {
		t.Error("Read followed a redirect to another origin")
	}
	if seen != nil {
		t.Errorf("the other origin was asked, with %v", seen)
	}
	if got := s.Requests()[0].Header.Get("Authorization"); got != "Bearer "+token {
		t.Errorf("control: the API got %q", got)
	}
}

func TestAnEnterprisePathIsTakenAsItIs(t *testing.T) {
	var path string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.Path
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, "{}")
	}))
	defer api.Close()
	for _, suffix := range []string{"/api/v3", "/api/v3/"} {
		c := client(t, github.Config{APIURL: api.URL + suffix, Tokens: pipeline.FixedToken(token)})
		if err := c.Post(t.Context(), status("success")); err != nil {
			t.Error(err)
		}
		if want := "/api/v3/repos/octo-org/hello/statuses/" + sha; path != want {
			t.Errorf("path = %s, want %s", path, want)
		}
	}
}

func TestWrongTokenIsRefusedInGitHubsWords(t *testing.T) {
	s, _ := connect(t, githubtest.Options{})
	for given, want := range map[string]string{"ghp_wrong": "Bad credentials", "": "Requires authentication"} {
		err := client(t, github.Config{
			APIURL: s.URL(),
			Tokens: pipeline.FixedToken(given),
		}).Post(t.Context(), status("success"))
		var refused *pipeline.RefusedError
		if !errors.As(err, &refused) || refused.Code != 401 || refused.Message != want {
			t.Errorf("token %q: Post = %v, want 401 %s", given, err, want)
		}
	}
}

// TestARenewedTokenIsUsedFromTheNextRequestOn: the client stays the same and uses the new token.
func TestARenewedTokenIsUsedFromTheNextRequestOn(t *testing.T) {
	s, _ := connect(t, githubtest.Options{})
	current := "ghp_expired"
	c := client(t, github.Config{APIURL: s.URL(), Tokens: tokenFunc(func(string, pipeline.Purpose) (string, error) {
		return current, nil
	})})
	var refused *pipeline.RefusedError
	if err := c.Post(t.Context(), status("pending")); !errors.As(err, &refused) || refused.Code != 401 {
		t.Errorf("control: the expired token's Post = %v, want 401", err)
	}
	current = token
	if err := c.Post(t.Context(), status("success")); err != nil {
		t.Errorf("the renewed token's Post = %v", err)
	}
}

func TestDescriptionsBeyondTheBasicPlaneAreRefusedByTheStandIn(t *testing.T) {
	_, c := connect(t, githubtest.Options{})
	st := status("success")
	st.Description = "🐍 passed"
	var refused *pipeline.RefusedError
	if err := c.Post(t.Context(), st); !errors.As(err, &refused) || refused.Code != 422 ||
		!strings.Contains(refused.Message, "4-byte") {
		t.Errorf("Post = %v, want 422, as GitHub answers", err)
	}
}
