package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"

	"golang.org/x/sync/errgroup"

	"vivarium/pipeline"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/registry"
	"vivarium/server/store"
)

const (
	groupCount  = 40
	pushesEach  = 10
	groupPrefix = "school/group-"
)

// TestFortyGroupsPushAtOnceAndSeeTheirOwn is a course at its deadline: 40 repositories with secrets
// of their own, 10 deliveries each at once, over real connections. Each of the 400 builds is
// visible to its own group's token only.
func TestFortyGroupsPushAtOnceAndSeeTheirOwn(t *testing.T) {
	s := newSite(t)
	if _, err := s.store.Entries.Add(t.Context(), byTest, registry.Pattern, groupPrefix+"*"); err != nil {
		t.Fatal(err)
	}
	s.serveCanaries()
	var tokens [groupCount]string
	for g := range groupCount {
		tokens[g] = s.token(groupName(g))
	}
	ids := s.pushAll()
	owner := map[int64]int{}
	for g, its := range ids {
		for _, id := range its {
			s.ended(id)
			owner[id] = g
		}
	}
	if len(owner) != groupCount*pushesEach {
		t.Fatalf("%d builds, want %d", len(owner), groupCount*pushesEach)
	}
	for g := range groupCount {
		as := bearer(tokens[g])
		var listed []string
		for _, id := range s.get("/logs", as).json(t)["logs"].([]any) {
			listed = append(listed, id.(string))
		}
		slices.Sort(listed)
		if want := texts(ids[g]); !slices.Equal(listed, want) {
			t.Errorf("%s lists %v, want %v", groupName(g), listed, want)
		}
		for id, of := range owner {
			a := s.get(buildPath(id)+"/raw", as)
			if seen := a.code == http.StatusOK && a.body == canary(of); seen != (of == g) || !seen &&
				a.code != http.StatusNotFound {
				t.Errorf("%s gets %d %q of a build of %s", groupName(g), a.code, a.body, groupName(of))
			}
		}
	}
}

func groupName(g int) string { return fmt.Sprintf("%s%02d", groupPrefix, g) }
func canary(g int) string    { return "the work of " + groupName(g) + "\n" }

func texts(ids []int64) (out []string) {
	for _, id := range ids {
		out = append(out, fmt.Sprint(id))
	}
	slices.Sort(out)
	return out
}

// serveCanaries makes the store work on builds whose log names their repository.
func (s *site) serveCanaries() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	served, ready := make(chan error, 1), make(chan struct{})
	build := func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
		text := "the work of " + b.Repo.FullName + "\n"
		if err := rec.StepStarted(ctx, pipeline.Step{Name: pipeline.StepTest,
			State: pipeline.StepRunning}); err != nil {
			return pipeline.Outcome{}, err
		}
		return pipeline.Outcome{State: pipeline.Passed},
			rec.Output(ctx, pipeline.StepTest, pipeline.Stdout, []byte(text))
	}
	go func() {
		served <- s.store.Serve(ctx, store.Work{Workers: 4, Build: build, LogLimit: 1 << 20,
			TargetURL: s.config.BuildURL}, func() {
			close(ready)
		})
	}()
	s.t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			s.t.Errorf("store.Serve: %v", err)
		}
	})
	<-ready
}

// pushAll delivers all pushes at once and gives each group's builds.
func (s *site) pushAll() [groupCount][]int64 {
	s.t.Helper()
	var answers [groupCount][pushesEach]answer
	var all errgroup.Group
	for g := range groupCount {
		for n := range pushesEach {
			all.Go(func() (err error) {
				answers[g][n], err = s.pushOver(g, n)
				return err
			})
		}
	}
	if err := all.Wait(); err != nil {
		s.t.Fatal(err)
	}
	var ids [groupCount][]int64
	for g, its := range answers {
		for _, a := range its {
			id, err := parseID(fmt.Sprint(a.json(s.t)["build"]))
			if a.code != http.StatusAccepted || err != nil {
				s.t.Fatalf("a push of %s is answered %d %s", groupName(g), a.code, a.body)
			}
			ids[g] = append(ids[g], id)
		}
	}
	return ids
}

// pushOver delivers one push over a connection, signed with the group's own secret.
func (s *site) pushOver(g, n int) (answer, error) {
	body := events.Push{Repo: groupName(g), RepoID: int64(g + 1), SHA: fmt.Sprintf("%02x%038x", g+1, n),
		Private: true}.Payload()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.http.URL+webhookPath, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header = events.Header(secretOf(groupName(g), 0), "push", body)
	resp, err := s.http.Client().Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{code: resp.StatusCode, header: resp.Header, body: string(text)}, err
}
