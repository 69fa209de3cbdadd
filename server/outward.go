package server

import (
	"context"
	"log/slog"
	"regexp"
	"strings"

	"vivarium/pipeline"
	"vivarium/pipeline/mask"
	"vivarium/sandbox"
)

// outward is what of our own words may stand on a build, which strangers and a repository's people read: no secret, and of the
// host no folder. What it changes is told in full by the server's log.
type outward struct {
	secrets *mask.Secrets
	log     *slog.Logger // may be nil
}

func newOutward(secrets []string, log *slog.Logger) outward {
	return outward{secrets: mask.Prepare(secrets), log: log}
}

// hostPath is an absolute path of two parts or more, also of an engine's socket, where no URL goes on with it.
var hostPath = regexp.MustCompile("(^|[\\s\"'`(=\\[])((?:unix|npipe|file|fd)://)?(/[^\\s\"'`()\\[\\]:;,/]+(?:/[^\\s\"'`()\\[\\]:;,/]+)+)")

// withoutPaths leaves of each path of the host its last part. Those of a sandbox's checkout are a repository's own.
func withoutPaths(text string) string {
	return hostPath.ReplaceAllStringFunc(text, func(found string) string {
		part := hostPath.FindStringSubmatch(found)
		if strings.HasPrefix(part[3], sandbox.Workspace+"/") {
			return found
		}
		return part[1] + "…" + part[3][strings.LastIndexByte(part[3], '/'):]
	})
}

// masked hides secrets.
func (o outward) masked(text string) string {
	m := o.secrets.Masker()
	shown := string(m.Write([]byte(text))) // before Flush, which takes the same memory
	return shown + string(m.Flush())
}

// said is a note or summary. Of an errored build it is our own word or the engine's, which know the host; of others it quotes what
// the sandbox said.
func (o outward) said(text string, errored bool) string {
	text = o.masked(text)
	if errored {
		text = withoutPaths(text)
	}
	return text
}

// outcome is o as it may be read.
func (o outward) outcome(ctx context.Context, b pipeline.Build, out pipeline.Outcome) pipeline.Outcome {
	said := o.said(out.Summary, out.State == pipeline.Errored)
	if said != out.Summary && o.log != nil {
		o.log.WarnContext(ctx, "build errored; its page does not say all of this", "build", b.ID, "repo", b.Repo.FullName, "summary", o.masked(out.Summary))
	}
	out.Summary = said
	return out
}

// error is err as a build's log may quote it.
func (o outward) error(err error) error {
	if err == nil {
		return nil
	}
	return &outwardError{text: withoutPaths(o.masked(err.Error())), err: err}
}

type outwardError struct {
	text string
	err  error
}

func (e *outwardError) Error() string { return e.text }
func (e *outwardError) Unwrap() error { return e.err }

// outwardRecorder passes on a build's steps as they may be read. Output is masked where it is stored.
type outwardRecorder struct {
	pipeline.Recorder
	outward
}

func (r outwardRecorder) StepEnded(ctx context.Context, s pipeline.Step) error {
	s.Note = r.said(s.Note, s.State == pipeline.StepErrored)
	return r.Recorder.StepEnded(ctx, s)
}

// troubleLine begins our own lines that tell of trouble: the end of a step (pipeline.Step), and what a service says beside it.
var troubleLine = regexp.MustCompile(`^(?:[a-z]+: errored in |git proxy: |package index: )`)

func (r outwardRecorder) Output(ctx context.Context, step pipeline.StepName, stream pipeline.Stream, p []byte) error {
	if stream == pipeline.System && troubleLine.Match(p) {
		p = []byte(withoutPaths(string(p)))
	}
	return r.Recorder.Output(ctx, step, stream, p)
}
