package attack

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/sandbox/eventually"
	"vivarium/server"
	"vivarium/server/forks"
	"vivarium/server/github"
	"vivarium/server/github/githubtest"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/store"
	"vivarium/server/store/builds"
	"vivarium/server/store/people"
)

// hub is a server that builds one repository, whose GitHub knows one pull request of a fork, and which
// notes the commits that were built.
type hub struct {
	*receiver
	github *githubtest.Server

	mu    sync.Mutex
	built []string
}

const hubRepo = "octo-org/hello"

// head is the n-th commit.
func head(n int) string { return fmt.Sprintf("%040x", n+1) }

func newHub(t *testing.T, policy forks.Policy) *hub {
	t.Helper()
	h := &hub{}
	var err error
	if h.github, err = githubtest.Start(githubtest.Options{Token: token}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.github.Close() })
	h.github.AddRepo(hubRepo)
	h.github.Repo(hubRepo).Allow("mona", 1, "write")
	h.github.Repo(hubRepo).SetPull(12, head(0), "open")
	client, err := github.New(github.Config{APIURL: h.github.URL(), Tokens: pipeline.FixedToken(token)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	kept, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir(), QueueLimit: 50})
	if err != nil {
		t.Fatal(err)
	}
	h.receiver = receive(t, kept, func(c *server.Config) {
		c.Repositories, c.Forks, c.GitHub = []string{"octo-org/*"}, policy, client
	})
	return h
}

// deliver delivers an event as GitHub does, and gives the answer.
func (h *hub) deliver(t *testing.T, event string, body []byte) string {
	t.Helper()
	code, text := h.post(t, events.Header(secret, event, body), body)
	if code >= http.StatusInternalServerError {
		t.Fatalf("answered %d %s", code, text)
	}
	return text
}

// pull delivers that the n-th commit is the head of the pull request.
func (h *hub) pull(t *testing.T, n int, p events.Pull) string {
	t.Helper()
	p.SHA, p.Updated = head(n), time.Unix(1793610930+int64(n), 0).UTC().Format(time.RFC3339)
	return h.deliver(t, "pull_request", p.Payload())
}

func (h *hub) comment(t *testing.T, c events.Comment) string {
	t.Helper()
	if c.Text == "" {
		c.Text = "/vivarium run"
	}
	return h.deliver(t, "issue_comment", c.Payload())
}

// ran works until nothing waits for its turn, and gives the commits that were built so far.
func (h *hub) ran(t *testing.T) []string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	work := store.Work{Workers: 1, Build: func(_ context.Context, b pipeline.Build, _ pipeline.Recorder) (
		pipeline.Outcome, error,
	) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.built = append(h.built, b.SHA)
		return pipeline.Outcome{State: pipeline.Passed, Summary: "1 test"}, nil
	}}
	go func() { done <- h.builds.Serve(ctx, work, func() { close(ready) }) }()
	<-ready
	eventually.Holds(t, "nothing waits for its turn", func() bool {
		all, err := h.builds.Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true}, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(all, func(b pipeline.Build) bool {
			return b.State == pipeline.Queued || b.State == pipeline.Running
		})
	})
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.built)
}

// strangers are the ways in which a stranger may try to have a commit of a fork built, which is head(0)
// unless it says otherwise. Each waits for an approval when it begins.
var strangers = map[string]struct {
	tried   string
	policy  forks.Policy
	attack  func(t *testing.T, h *hub)
	reached int // the commit that must not be built
	control func(t *testing.T, h *hub)
}{
	"words": {
		tried: "a title, a branch, a base and an author that look like an approval",
		attack: func(t *testing.T, h *hub) {
			h.pull(t, 0, events.Pull{Number: 13, Title: "/vivarium run", Branch: "main", Author: "vivarium",
				Association: "OWNER"})
			h.pull(t, 0, events.Pull{Action: "edited", Retargeted: "release"})
			h.pull(t, 0, events.Pull{Action: "ready_for_review", Title: "/vivarium run"})
		},
	},
	"deleted-fork": {
		tried:   "a pull request whose fork is gone",
		attack:  func(t *testing.T, h *hub) { h.pull(t, 1, events.Pull{Action: "reopened", HeadGone: true}) },
		reached: 1,
		control: func(t *testing.T, h *hub) {
			h.github.Repo(hubRepo).SetPull(12, head(1), "open")
			h.comment(t, events.Comment{})
		},
	},
	"pushed-by-another": {
		tried:  "a push by a stranger to a contributor's pull request, where contributors go at once",
		policy: forks.Contributors,
		attack: func(t *testing.T, h *hub) {
			h.pull(t, 1, events.Pull{Action: "synchronize", Association: "CONTRIBUTOR", SenderID: 9})
		}, reached: 1,
		control: func(t *testing.T, h *hub) {
			h.pull(t, 2, events.Pull{Action: "synchronize", Association: "CONTRIBUTOR"})
			h.pull(t, 1, events.Pull{Number: 14, Association: "CONTRIBUTOR", Action: "synchronize"})
			h.github.Repo(hubRepo).SetPull(12, head(1), "open")
			h.comment(t, events.Comment{})
		},
	},
	"repeated": {
		tried: "a rerun and another delivery of what was never approved",
		attack: func(t *testing.T, h *hub) {
			h.pull(t, 0, events.Pull{Action: "reopened"})
			if _, err := h.builds.Queue.Rerun(t.Context(), people.Actor{Who: "the suite"}, 1); err != nil {
				t.Fatal(err)
			}
		},
	},
	"quoted": {
		tried: "the command of a maintainer who quotes it, or says what it would do",
		attack: func(t *testing.T, h *hub) {
			h.comment(t, events.Comment{Text: "> /vivarium run"})
			h.comment(t, events.Comment{Text: "would you /vivarium run\n/vivarium run"})
		},
	},
	"changed-comment": {
		tried:  "a comment that was changed to the command",
		attack: func(t *testing.T, h *hub) { h.comment(t, events.Comment{Action: "edited"}) },
	},
	"put-into-a-mouth": {
		tried:  "a comment that a stranger makes in a maintainer's name",
		attack: func(t *testing.T, h *hub) { h.comment(t, events.Comment{SenderID: 7001}) },
	},
	"a-stranger": {
		tried:  "the command by who only says to be the owner",
		attack: func(t *testing.T, h *hub) { h.comment(t, events.Comment{Author: "stranger", AuthorID: 7001}) },
	},
	"lost-the-right": {
		tried: "the command by who might write until a moment ago",
		attack: func(t *testing.T, h *hub) {
			h.github.Repo(hubRepo).Allow("mona", 1, "read")
			h.comment(t, events.Comment{Association: "COLLABORATOR"})
			h.github.Repo(hubRepo).Allow("mona", 1, "write")
		},
	},
	"took-over-a-name": {
		tried:  "the command by who has a maintainer's former name",
		attack: func(t *testing.T, h *hub) { h.comment(t, events.Comment{AuthorID: 7001}) },
	},
	"pushed-since": {
		tried: "a push between a maintainer's look and the command, whose delivery comes late",
		attack: func(t *testing.T, h *hub) {
			h.github.Repo(hubRepo).SetPull(12, head(1), "open")
			h.comment(t, events.Comment{})
			h.github.Repo(hubRepo).SetPull(12, head(0), "open")
		},
	},
	"pushed-after": {
		tried: "a push after the approval",
		attack: func(t *testing.T, h *hub) {
			h.comment(t, events.Comment{})
			h.pull(t, 1, events.Pull{Action: "synchronize"})
		}, reached: 1,
		control: func(t *testing.T, h *hub) {
			h.github.Repo(hubRepo).SetPull(12, head(1), "open")
			h.comment(t, events.Comment{Text: "/vivarium run\nonce more"})
		},
	},
	"another-commit": {
		tried: "an approval by the API of another commit than the one that waits",
		attack: func(t *testing.T, h *hub) {
			operators, err := h.builds.People.RenewOperatorToken(t.Context(), people.Actor{Who: "the suite"})
			if err != nil {
				t.Fatal(err)
			}
			h.approve(t, operators, head(1))
		},
	},
	"readers-token": {
		tried: "an approval by a token that shows the repository's builds",
		attack: func(t *testing.T, h *hub) {
			readers, err := h.builds.People.AddToken(t.Context(), people.Actor{Who: "the suite"}, "octo-org/*")
			if err != nil {
				t.Fatal(err)
			}
			h.approve(t, readers, head(0))
			h.approve(t, "", head(0))
		},
	},
}

// approve asks for an approval of build 1 by the API.
func (h *hub) approve(t *testing.T, bearer, sha string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/api/v1/builds/1/approve?sha="+sha, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}

// TestStrangersCode tries to have a fork's commit built that nobody has approved. As the control, the
// same commit is built once a maintainer approves it.
func TestStrangersCode(t *testing.T) {
	for name, c := range sorted(strangers) {
		attack(t, name, c.tried, func(t *testing.T, l *line) {
			h := newHub(t, c.policy)
			h.pull(t, 0, events.Pull{})
			c.attack(t, h)
			if built := h.ran(t); slices.Contains(built, head(c.reached)) {
				t.Error("the commit was built")
			}
			l.outcome = "not built"
			if c.control == nil {
				h.comment(t, events.Comment{})
			} else {
				c.control(t, h)
			}
			if built := h.ran(t); !slices.Contains(built, head(c.reached)) {
				t.Errorf("control: approved, it was not built either: %q", built)
			}
			l.control = "approved by who may write, it is built"
		})
	}
	attack(t, "taken-commit", "a pull request for a commit, so that the base's own push of it is not built",
		func(t *testing.T, l *line) {
			h := newHub(t, "")
			branch := events.Push{Repo: hubRepo, SHA: head(0), Ref: "refs/heads/release", Created: true, NoCommits: true}
			h.pull(t, 0, events.Pull{})
			h.deliver(t, "push", branch.Payload())
			if built := h.ran(t); !slices.Equal(built, []string{head(0)}) {
				t.Errorf("built %q", built)
			}
			l.outcome = "the push is built"
			branch.Ref = "refs/heads/another"
			if said := h.deliver(t, "push", branch.Payload()); !strings.Contains(said, "passed") {
				t.Errorf("control: %s", said)
			}
			l.control = "another branch there, which needs no build, gets none"
		})
	attack(t, "flood", "so many pull requests that no push finds a place in the queue", func(t *testing.T, l *line) {
		h := newHub(t, "")
		h.deliver(t, "push", events.Push{Repo: hubRepo, SHA: head(900)}.Payload())
		for n := range 120 {
			h.pull(t, n, events.Pull{Number: 100 + n})
		}
		all, err := h.builds.Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true},
			State: pipeline.Unapproved, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		said := h.deliver(t, "push", events.Push{Repo: hubRepo, SHA: head(901)}.Payload())
		if !strings.Contains(said, "queued") || len(all) >= 120 {
			t.Errorf("%d wait for an approval, and the push was answered %s", len(all), said)
		}
		l.outcome = fmt.Sprintf("%d wait for an approval, and the push is queued", len(all))
		for n := range 60 {
			said = h.deliver(t, "push", events.Push{Repo: hubRepo, SHA: head(1000 + n)}.Payload())
		}
		if !strings.Contains(said, "over quota") {
			t.Errorf("control: as many pushes are answered %s", said)
		}
		l.control = "as many pushes fill it up"
	})
}
