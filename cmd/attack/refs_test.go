package attack

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/dispatch"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/store"
	"vivarium/server/store/builds"
)

// refs are names of branches that a shell, git's options or a line-based protocol would take for
// something else.
var refs = map[string]string{
	"option": "refs/heads/--upload-pack=touch${IFS}/tmp/x", "option-alone": "--upload-pack=touch /tmp/x",
	"shell":     "refs/heads/$(touch${IFS}/tmp/x)",
	"backticks": "refs/heads/`touch${IFS}/tmp/x`", "semicolon": "refs/heads/a;touch${IFS}/tmp/x",
	"line-break":      "refs/heads/a\nX-Evil: b",
	"carriage-return": "refs/heads/a\rb", "nul": "refs/heads/a\x00b", "dots": "refs/heads/../../etc/passwd",
	"quotes": `refs/heads/a"'b`,
	"escape": "refs/heads/a\x1b]8;;evil\x07b", "turned-around": "refs/heads/a\u202eb",
}

// TestRefs pushes branches with such names, and looks at what the pipeline is asked for. There a
// ref is a word of a title, and part of nothing that git or a shell sees.
func TestRefs(t *testing.T) {
	r := newReceiver(t, store.Options{DataDir: t.TempDir()})
	host, err := url.Parse("https://git.example")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	push := func(ref string) (int, *pipeline.Request) {
		n++
		p := events.Push{Repo: "octo/refs", SHA: fmt.Sprintf("%040x", n), Ref: ref}.Payload()
		before := r.count(t)
		code, _ := r.post(t, events.Header(secret, "push", p), p)
		if r.count(t) == before {
			return code, nil
		}
		list, err := r.builds.Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true}, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		var asked pipeline.Request
		d := dispatch.Dispatcher{
			Builds:    r.builds,
			ServerURL: host,
			Run: func(_ context.Context, q pipeline.Request, _ pipeline.Recorder) (pipeline.Outcome, error) {
				asked = q
				return pipeline.Outcome{}, nil
			},
		}
		if _, err := d.Build(t.Context(), list[0], nil); err != nil {
			t.Fatal(err)
		}
		return code, &asked
	}
	for name, ref := range sorted(refs) {
		attack(t, name, fmt.Sprintf("a push to %q", ref), func(t *testing.T, l *line) {
			code, asked := push("refs/heads/good")
			if code != http.StatusAccepted || asked == nil || !strings.Contains(asked.Title, "refs/heads/good") {
				t.Errorf("control: a good name is answered %d", code)
			}
			l.control = "a good name: 202, and it is in the build's title"
			code, asked = push(ref)
			if asked == nil {
				if code != http.StatusBadRequest {
					t.Errorf("answered %d, without a build", code)
				}
				l.outcome = fmt.Sprintf("%d, no build", code)
				return
			}
			want := pipeline.Git{URL: host.JoinPath("octo", "refs.git"), SHA: fmt.Sprintf("%040x", n)}
			if got, ok := asked.Source.(pipeline.Git); !ok || got.URL.String() != want.URL.String() ||
				got.SHA != want.SHA {
				t.Errorf("the pipeline is asked for %+v, want %+v", asked.Source, want)
			}
			if strings.ContainsAny(asked.Title, "\r\n\x00\x1b\u202e") {
				t.Errorf("the title is %q", asked.Title)
			}
			l.outcome = fmt.Sprintf("%d; the pipeline is asked for address and commit alone", code)
		})
	}
}
