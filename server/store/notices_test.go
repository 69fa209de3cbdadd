package store

import (
	"context"
	"sync"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/notify"
	"vivarium/server/store/queue/queuetest"
)

// messenger keeps what it is to bring.
type messenger struct {
	mu  sync.Mutex
	got []notify.Message
}

func (m *messenger) Send(_ context.Context, _ notify.Target, msg notify.Message, _ string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, msg)
	return nil
}

// TestAServerTellsPeopleThatABranchTurned, with the build's own sentence and its page.
func TestAServerTellsPeopleThatABranchTurned(t *testing.T) {
	s := openStore(t, Options{
		DataDir: t.TempDir(), Log: testLog(t), Notify: []notify.Target{{Kind: notify.Slack, URL: "https://x.example"}},
	})
	var m messenger
	serve(t, s, Work{
		Messenger: &m, TargetURL: func(int64) string { return "https://ci.example/logs/1" },
		Build: func(context.Context, pipeline.Build, pipeline.Recorder) (pipeline.Outcome, error) {
			return pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseTests, Summary: "1 of 3 tests failed"}, nil
		},
	})
	id := accept(t, s, push(1))
	eventually(t, "a message", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.got) == 1
	})
	want := notify.Message{
		Colour: notify.Red, Repo: "octo/hello", Branch: "main", SHA: push(1).SHA, Build: id, URL: "https://ci.example/logs/1",
		State: "failed", Cause: "tests", Summary: "1 of 3 tests failed", Author: "octocat", Title: "say hello",
	}
	if m.got[0] != want {
		t.Errorf("got %+v, want %+v", m.got[0], want)
	}
}

// TestASkippedPushKeepsNobodyFromBeingTold: it is no branch's last, as it is no branch's verdict.
func TestASkippedPushKeepsNobodyFromBeingTold(t *testing.T) {
	s := openStore(t, Options{
		DataDir: t.TempDir(), Log: testLog(t), Notify: []notify.Target{{Kind: notify.Slack, URL: "https://x.example"}},
	})
	var m messenger
	skipped := make(chan struct{})
	serve(t, s, Work{
		Messenger: &m,
		Build: func(context.Context, pipeline.Build, pipeline.Recorder) (pipeline.Outcome, error) {
			<-skipped
			return pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseTests, Summary: "1 of 3 tests failed"}, nil
		},
	})
	accept(t, s, push(1))
	later := push(2)
	later.Unwanted, later.Because = "its message says [skip ci]", pipeline.CauseSkipped
	accept(t, s, later)
	close(skipped)
	eventually(t, "a message", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.got) == 1
	})
}

// TestAPushWhoseBuildHasEndedTellsThatItsBranchTurned: as the head of a pull request it was built
// before it was the branch's.
func TestAPushWhoseBuildHasEndedTellsThatItsBranchTurned(t *testing.T) {
	s := openStore(t, Options{
		DataDir: t.TempDir(), Log: testLog(t), Notify: []notify.Target{{Kind: notify.Slack, URL: "https://x.example"}},
	})
	var m messenger
	serve(t, s, Work{
		Messenger: &m,
		Build: func(context.Context, pipeline.Build, pipeline.Recorder) (pipeline.Outcome, error) {
			return pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseTests, Summary: "1 of 3 tests failed"}, nil
		},
	})
	a, err := s.Pulls.Accept(t.Context(), queuetest.Pull(1))
	must(t, err)
	eventually(t, "the pull request's end", func() bool {
		b, err := s.Builds.Get(t.Context(), a.BuildID)
		return err == nil && b.State == pipeline.Failed
	})
	if id := accept(t, s, push(1)); id != a.BuildID {
		t.Errorf("the push has build %d, want the pull request's, %d", id, a.BuildID)
	}
	eventually(t, "a message", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.got) == 1 && m.got[0].Branch == "main" && m.got[0].Colour == notify.Red
	})
}
