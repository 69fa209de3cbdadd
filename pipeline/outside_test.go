package pipeline_test

import (
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/sandbox/egress"
	"vivarium/sandbox/egress/egresstest"
)

// half sends the beginning of what it promises.
func half(contentType, beginning string) egresstest.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Content-Length", "100000")
			_, _ = io.WriteString(w, beginning)
		})
	}
}

// withIndex is the world with an index of the test's own, which holds one package, greeter.
func (w *world) withIndex(t *testing.T) (*world, *egresstest.Index) {
	t.Helper()
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	up.Add(egresstest.Wheel("greeter", "1.0", map[string]string{"greeter.py": ""}))
	u, err := url.Parse(up.URL())
	if err != nil {
		t.Fatal(err)
	}
	runner := *w.runner
	if runner.Index, err = egress.NewIndex(egress.IndexConfig{
		Upstream: u,
		Allow:    []netip.Prefix{loopback},
	}); err != nil {
		t.Fatal(err)
	}
	return &world{runner: &runner, host: w.host, index: up}, up
}

// TestIndexThatIsAwayIsNotTheRepositorysFault holds that trouble of the index, and nothing else,
// ends an install as errored: another build of the same commit may pass.
func TestIndexThatIsAwayIsNotTheRepositorysFault(t *testing.T) {
	shared := theWorld(t)
	files := hog("pass")
	files["requirements.txt"] = "greeter\n"
	source := shared.commit(t, files)
	files["requirements.txt"] = "greeter\nno-such-package\n"
	missing := shared.commit(t, files)
	page := half("application/vnd.pypi.simple.v1+json", `{"meta":{"api-version":"1.0"},"files":[`)
	for name, c := range map[string]struct {
		source     pipeline.Git
		page, file egresstest.Fault
		timeout    time.Duration
		cause      pipeline.Cause
		summary    string // begins with index HOST
	}{
		"no answer": {source, egresstest.Drop, nil, 0, pipeline.CauseIndex, " does not answer: EOF"},
		"503": {
			source,
			egresstest.Status(503),
			nil,
			0,
			pipeline.CauseIndex,
			" answered 503 Service Unavailable",
		},
		"half a page": {source, page, nil, 0, pipeline.CauseIndex, " broke off its answer: unexpected EOF"},
		"silence": {
			source,
			egresstest.Stall,
			nil,
			20 * time.Second,
			pipeline.CauseIndex,
			" does not answer: no data for ",
		},
		"no file": {source, nil, egresstest.Status(502), 0, pipeline.CauseIndex, " answered 502 Bad Gateway"},
		"half a file": {
			source,
			nil,
			half("application/octet-stream", "PK"),
			0,
			pipeline.CauseIndex,
			" broke off its answer: unexpected EOF",
		},
		"no such package":   {missing, nil, nil, 0, pipeline.CauseInstall, ""},
		"trouble that ends": {source, passing(egresstest.Status(503), 2), passing(egresstest.Drop, 1), 0, "", ""},
		"nothing wrong":     {source, nil, nil, 0, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, up := shared.withIndex(t)
			up.SetFault(c.page)
			up.SetFilesFault(c.file)
			q := w.request(c.source)
			if c.timeout > 0 {
				q.Settings.Limits.Timeout = c.timeout
			}
			o, _ := w.run(t, q)
			wantCause(t, o, c.cause)
			if o.Heals != (c.cause == pipeline.CauseIndex) {
				t.Errorf("heals is %v", o.Heals)
			}
			for _, s := range o.Steps { // pip names a package where the index is at fault
				if named := len(s.Findings.Findings) > 0; s.Name == pipeline.StepInstall &&
					named != (c.cause == pipeline.CauseInstall) {
					t.Errorf("install found %+v", s.Findings)
				}
			}
			if c.cause == pipeline.CauseIndex {
				wantText(t, o.Summary, "index "+strings.Split(up.URL(), "/")[2], c.summary)
			}
		})
	}
}

// passing applies a fault to the first requests only.
func passing(f egresstest.Fault, requests int) egresstest.Fault {
	seen := make(chan struct{}, requests)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case seen <- struct{}{}:
				f(next).ServeHTTP(w, r)
			default:
				next.ServeHTTP(w, r)
			}
		})
	}
}

// TestGitHostThatIsAwayIsSaidAndMayHeal holds that a clone which failed by the git host's own
// trouble may be repeated later, and that host and error are named.
func TestGitHostThatIsAwayIsSaidAndMayHeal(t *testing.T) {
	shared := theWorld(t)
	for name, c := range map[string]struct {
		fault   egresstest.Fault
		timeout time.Duration
		summary string
	}{
		"502": {egresstest.Status(502), 0, " answered 502 Bad Gateway"},
		"half": {
			half(advertisement, "000eversion 2\n"),
			0,
			" broke off its answer after 14 bytes: unexpected EOF",
		},
		"half a pack": {halfPack, 0, " broke off its answer"},
		"silence":     {egresstest.Stall, 20 * time.Second, " does not answer: no data for "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, err := egresstest.StartGitHost(egresstest.GitHostConfig{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { host.Close() })
			shas, err := host.Commit(t.Context(), "a/b", egresstest.Commit{
				Files: map[string]string{"a.py": strings.Repeat("x = 1\n", 1000)},
			})
			if err != nil {
				t.Fatal(err)
			}
			q := shared.request(pipeline.Git{URL: host.RepoURL("a/b"), SHA: shas[0]})
			if c.timeout > 0 {
				q.Settings.Limits.Timeout = c.timeout
			}
			host.SetFault(c.fault)
			o, _ := shared.run(t, q)
			wantCause(t, o, pipeline.CauseClone)
			wantText(t, o.Summary, "git host "+host.RepoURL("a/b").Host, c.summary)
			if !o.Heals {
				t.Error("it does not heal")
			}
			host.SetFault(nil)
			o, _ = shared.run(t, q) // the control
			wantCause(t, o, pipeline.CauseNoTests)
		})
	}
}

// halfPack cuts off what follows git's first two answers.
func halfPack(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			half("application/x-git-upload-pack-result", "000dpackfile\n")(next).ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
