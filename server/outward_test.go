package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/findings"
	"vivarium/server/dispatch"
	"vivarium/server/store"
)

// TestNoTokenAndNoPathStandsOnABuild: neither in its summary and notes, nor in its log, status and
// JSON, whatever the engine says. The server's log has both.
func TestNoTokenAndNoPathStandsOnABuild(t *testing.T) {
	const token, socket, rest = "ghp_canary0123456789", "/var/run/docker.sock", "does not answer"
	var log bytes.Buffer
	s := newSite(t)
	d := &dispatch.Dispatcher{
		Builds: s.store, ServerURL: &url.URL{Scheme: "https", Host: "git.example"}, Secrets: func() []string {
			return []string{token}
		}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Run: func(ctx context.Context, _ pipeline.Request, rec pipeline.Recorder) (pipeline.Outcome, error) {
			note := "unix://" + socket + " " + rest + " to " + token
			step := pipeline.Step{Name: pipeline.StepClone}
			err := errors.Join(rec.StepStarted(ctx, step),
				rec.Output(ctx, step.Name, pipeline.System, []byte("clone: errored in 0.1 s: "+note+"\n")),
				rec.Output(ctx, step.Name, pipeline.System, []byte("$ /opt/env/bin/python -m pip\n")))
			step.Findings = findings.List{Total: 1,
				Findings: []findings.Finding{{Path: "a.py", Line: 3, Text: "said " + token}}}
			step.State, step.Cause, step.Note = pipeline.StepErrored, pipeline.CauseEngine, note
			return pipeline.Outcome{State: pipeline.Errored, Cause: pipeline.CauseEngine, Summary: note},
				errors.Join(err, rec.StepEnded(ctx, step))
		},
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- s.store.Serve(ctx, store.Work{Workers: 1, Build: d.Build, Secrets: d.Secrets}, func() {})
	}()
	id := s.push("o/n", false)
	s.ended(id)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, a := range []answer{s.get(buildPath(id)), s.get(buildPath(id), browser), s.get(buildPath(id) + "/raw"),
		s.get(buildPath(id) + "/events")} {
		if strings.Contains(a.body, "/var/run") || strings.Contains(a.body, token) {
			t.Errorf("a page says %s", a.body)
		}
		if !strings.Contains(a.body, "…/docker.sock "+rest) {
			t.Errorf("control: it does not say what is wrong: %s", a.body)
		}
	}
	if a := s.get(buildPath(id) + "/raw"); !strings.Contains(a.body, "$ /opt/env/bin/python -m pip") {
		t.Errorf("control: a command of the sandbox's is not as it was: %s", a.body)
	}
	if text := log.String(); !strings.Contains(text, socket) || strings.Contains(text, token) {
		t.Errorf("the server's log says %s", text)
	}
}
