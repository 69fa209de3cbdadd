package pipeline

import (
	"bytes"
	"context"
	"errors"
	"path"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/fixed"
	"vivarium/pipeline/pipwords"
	"vivarium/sandbox"
)

// yield changes the plan where pip failed over something that the build can do without: a version of
// a lock file, or a package that only a list for development names. said tells people of it.
func (a *attempt) yield(err error, found *pipwords.Reader) (said string, ok bool) {
	if failed := (*failure)(nil); !errors.As(err, &failed) || failed.cause != CauseInstall {
		return "", false
	}
	said, ok = a.plan.LetGo(append(found.Constrained(), found.Lacking()))
	if !ok {
		said, ok = a.plan.LeaveOut(found.Lacking())
	}
	if ok {
		a.step.Findings = findings.List{}
	}
	return said, ok
}

// putFile writes the file that pip's command line names and that is not the repository's.
func (a *attempt) putFile(ctx context.Context) error {
	file, text := a.plan.Written()
	if text == "" || file == a.planned {
		return nil
	}
	a.planned = file
	packed, err := fixed.Files{path.Base(file): {Data: []byte(text)}}.Tar()
	if err != nil {
		return err
	}
	return a.sandbox.PutArchive(ctx, sandbox.Tmp, bytes.NewReader(packed))
}
