// Package outward decides which of the server's own words may stand on a build, which strangers and
// a repository's people read: no secret, and no folder of the host.
package outward

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"vivarium/pipeline"
	"vivarium/pipeline/mask"
	"vivarium/pipeline/results"
	"vivarium/sandbox"
)

// Words removes what may not be read. The server's log tells in full what Words changes.
type Words struct {
	secrets *mask.Secrets
	log     *slog.Logger // may be nil
}

// New hides these secrets. log may be nil.
func New(secrets []string, log *slog.Logger) Words {
	return Words{secrets: mask.Prepare(secrets), log: log}
}

// hostPath is an absolute path of two parts or more, which may be an engine's socket, but is not
// part of another URL.
var hostPath = regexp.MustCompile("(^|[\\s\"'`(=\\[])((?:unix|npipe|file|fd)://)?" +
	"(/[^\\s\"'`()\\[\\]:;,/]+(?:/[^\\s\"'`()\\[\\]:;,/]+)+)")

// withoutPaths leaves only the last part of each path of the host. Paths of a sandbox's checkout
// stay: they are the repository's own.
func withoutPaths(text string) string {
	return hostPath.ReplaceAllStringFunc(text, func(found string) string {
		part := hostPath.FindStringSubmatch(found)
		if strings.HasPrefix(part[3], sandbox.Workspace+"/") {
			return found
		}
		return part[1] + "…" + part[3][strings.LastIndexByte(part[3], '/'):]
	})
}

// said cleans a note or summary. That of an errored build is our own word or the engine's, and may
// hold paths of the host; that of any other build quotes the sandbox.
func (o Words) said(text string, errored bool) string {
	text = o.secrets.Hide(text)
	if errored {
		text = withoutPaths(text)
	}
	return text
}

// Outcome is out as it may be read.
func (o Words) Outcome(ctx context.Context, b pipeline.Build, out pipeline.Outcome) pipeline.Outcome {
	said := o.said(out.Summary, out.State == pipeline.Errored)
	if said != out.Summary && o.log != nil {
		o.log.WarnContext(ctx, "build errored; its page does not say all of this",
			"build", b.ID, "repo", b.Repo.FullName, "summary", o.secrets.Hide(out.Summary))
	}
	out.Summary = said
	out.Environment = out.Environment.Map(o.secrets.Hide)
	return out
}

// Error is err as a build's log may quote it.
func (o Words) Error(err error) error {
	if err == nil {
		return nil
	}
	return &quoted{text: withoutPaths(o.secrets.Hide(err.Error())), err: err}
}

type quoted struct {
	text string
	err  error
}

func (e *quoted) Error() string { return e.text }
func (e *quoted) Unwrap() error { return e.err }

// Recorder passes on a build's steps as they may be read. Output is masked where it is stored.
type Recorder struct {
	pipeline.Recorder
	Words Words
}

// StepEnded implements pipeline.Recorder.
func (r Recorder) StepEnded(ctx context.Context, s pipeline.Step) error {
	s.Note = r.Words.said(s.Note, s.State == pipeline.StepErrored)
	s.Findings.Findings = slices.Clone(s.Findings.Findings)
	for i := range s.Findings.Findings {
		f := &s.Findings.Findings[i]
		for _, text := range []*string{&f.Path, &f.Code, &f.Test, &f.Text} {
			*text = r.Words.secrets.Hide(*text)
		}
	}
	return r.Recorder.StepEnded(ctx, s)
}

// Tests implements pipeline.Recorder.
func (r Recorder) Tests(ctx context.Context, step pipeline.StepName, tests []results.Test) error {
	tests = slices.Clone(tests)
	for i := range tests {
		t := &tests[i]
		for _, text := range []*string{&t.ID, &t.Sub, &t.Reason, &t.Traceback, &t.Output, &t.Path, &t.After} {
			*text = r.Words.secrets.Hide(*text)
		}
		t.Asked = slices.Clone(t.Asked)
		for j := range t.Asked {
			t.Asked[j].Name = r.Words.secrets.Hide(t.Asked[j].Name)
		}
	}
	return r.Recorder.Tests(ctx, step, tests)
}

// troubleLine matches the beginning of our own lines about trouble: the end of a step
// (pipeline.Step), and what a proxy says.
var troubleLine = regexp.MustCompile(`^(?:[a-z]+: errored in |git proxy: |package index: )`)

// Output implements pipeline.Recorder.
func (r Recorder) Output(ctx context.Context, step pipeline.StepName, stream pipeline.Stream, p []byte) error {
	if stream == pipeline.System && troubleLine.Match(p) {
		p = []byte(withoutPaths(string(p)))
	}
	return r.Recorder.Output(ctx, step, stream, p)
}
