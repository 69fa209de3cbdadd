package main

import (
	"context"
	"time"

	"vivarium/pipeline"
	"vivarium/sandbox/egress"
	"vivarium/server"
	"vivarium/server/github"
)

// Services outside that do not answer: who asks them, and who is told.

// readyTimeout bounds the look at the engine for /readyz, whose caller has a second.
const readyTimeout = 900 * time.Millisecond

// engineAnswers says since when the engine has not answered, and why; nil when it answers. When the
// engine takes longer than a caller of /readyz waits, the next caller gets the answer.
func (s *daemon) engineAnswers(ctx context.Context) *server.Trouble {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err := s.watch.Look(ctx)
	if err == nil {
		return nil
	}
	since, _ := s.watch.Away() // zero when it has answered again since
	return &server.Trouble{Err: err, Since: since}
}

// tellEngine notes when the engine stops answering, and when it answers again. After an error it is
// called again at the next look.
func (s *daemon) tellEngine(words string) error {
	if words == "" {
		s.log.Info("the Docker engine answers again; builds go on")
	} else {
		s.log.Error("the Docker engine does not answer; builds wait for it", "why", words)
	}
	ctx, cancel := context.WithTimeout(context.Background(), tellTimeout)
	defer cancel()
	err := s.store.Queue.SetEngine(ctx, words)
	if err != nil {
		s.log.Warn("what builds say of the engine is not true before it is asked again", "err", err)
	}
	return err
}

const tellTimeout = 10 * time.Second

// probed is a repository that need not exist: a host that answers says so.
const probed = "vivarium/probe"

// probe asks once whether the git host or the package index answers.
func (s *daemon) probe(ctx context.Context, c pipeline.Cause) error {
	if c == pipeline.CauseIndex {
		return s.index.Probe(ctx)
	}
	u, err := github.CloneURL(s.config.serverURL, probed)
	if err != nil {
		return err
	}
	return egress.ProbeGit(ctx, u)
}
