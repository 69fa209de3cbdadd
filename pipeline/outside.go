package pipeline

import (
	"errors"

	"vivarium/pipeline/gitline"
	"vivarium/sandbox/egress"
)

// blameIndex returns the index's trouble in place of err where an install failed over getting
// packages because the index did not deliver: pip only says then that there is no such package. A
// compiler that fails is the cause itself, however many pages pip did without. A build whose time
// ran out may have waited for the index. Any other limit that was hit is the cause itself. Room that
// this server lacked is its own matter, and no trouble of the index.
//
// A repository can cause such trouble: it can ask for so much that the index answers 429, or name a
// package whose files lie on a host of its author's. All it gains is that its own build waits and
// is tried again.
func blameIndex(err error, t *egress.Trouble, getting bool) error {
	var f *failure
	if t == nil || !errors.As(err, &f) {
		return err
	}
	switch {
	case f.cause == CauseInstall && getting, f.cause == CauseTimeout && t.Stalled:
	default:
		return err
	}
	if t.Ours {
		return failOutside(CauseInternal, "%s", t.Message)
	}
	return failOutside(CauseIndex, "%s", t.Message)
}

// blameRepository returns what kept a build from a repository that it depends on, in place of err,
// where an install failed: pip only says then that git did. where is the line that names it.
// Trouble that may pass has the index's cause, as has all that keeps packages from a build.
func blameRepository(err error, f *egress.GitFailure, where string) error {
	var failed *failure
	switch {
	case !errors.As(err, &failed):
		return err
	case failed.cause == CauseInstall, failed.cause == CauseTimeout && f.Stalled:
	default:
		return err
	}
	if f.Heals {
		return failOutside(CauseIndex, "%s: %s", where, f.Message)
	}
	return fail(CauseInstall, "%s: %s", where, f.Message)
}

// blameGitHost says what a failed fetch means: it returns fetchErr, or what the proxy saw, or git's
// words in ours. Nothing of the repository has run by then, so git's words can be trusted. again
// says that a second try at once may help.
func blameGitHost(fetchErr error, upstream *egress.GitFailure, g Git) (again bool, err error) {
	var failed *failure
	switch {
	case !errors.As(fetchErr, &failed):
		return false, fetchErr
	case failed.cause == CauseTimeout && upstream != nil && upstream.Stalled:
	case failed.cause != CauseClone:
		return false, fetchErr
	}
	switch {
	case upstream != nil && upstream.Heals:
		return upstream.Unreachable && !upstream.Stalled, failOutside(CauseClone, "%s", upstream.Message)
	case upstream != nil:
		return false, fail(CauseClone, "%s", upstream.Message)
	case gitline.Gone(failed.note):
		return false, fail(CauseClone, "the commit %.12s is not in the repository (any longer), as after a forced push",
			g.SHA)
	case gitline.BrokenOff(failed.note):
		return true, failOutside(CauseClone, "git host %s broke off its answer: %s", g.URL.Host, failed.note)
	}
	return false, fetchErr
}
