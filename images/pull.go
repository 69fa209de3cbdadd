package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
)

// How long an engine may be silent during a pull. A registry that drops packets would otherwise
// delay a pull for minutes.
const (
	firstAnswer = 15 * time.Second
	silence     = 90 * time.Second
)

// errSilent says that a pull ended because nothing was heard for too long.
var errSilent = errors.New("the registry does not answer")

// PullError says that a base could not be pulled.
type PullError struct {
	Ref   string
	Final bool // the registry or the engine says that it will never give the base
	Err   error
}

func (e *PullError) Error() string { return fmt.Sprintf("pull %s: %v", e.Ref, e.Err) }
func (e *PullError) Unwrap() error { return e.Err }

// refusals are the words with which registries (distribution's error codes) and engines refuse an
// image. An engine passes some of them on as its own failure.
var refusals = []string{
	"manifest unknown", "repository does not exist", "pull access denied", "access to the resource is denied",
	"no matching manifest",
}

// isRefusal reports whether a pull failed for good. Every other failure comes from a registry that
// may answer later.
func isRefusal(err error) bool {
	if errdefs.IsNotFound(err) || errdefs.IsInvalidArgument(err) || errdefs.IsPermissionDenied(err) {
		return true
	}
	said := strings.ToLower(err.Error())
	return slices.ContainsFunc(refusals, func(words string) bool { return strings.Contains(said, words) })
}

// pull gets a base from its registry. When there is no registry to ask, it takes the engine's own
// copy and says so.
func (m *Manager) pull(ctx context.Context, ref string, progress io.Writer) (base, error) {
	// An ID is local. So are our own names: at a registry, an account of that name is not ours.
	if strings.HasPrefix(ref, "sha256:") || strings.HasPrefix(ref, "vivarium/") {
		return m.local(ctx, ref)
	}
	fmt.Fprintf(progress, "Pulling %s\n", ref)
	err := m.pullFrom(ctx, ref, progress)
	if err != nil && ctx.Err() != nil {
		return base{}, context.Cause(ctx)
	}
	b, localErr := m.local(ctx, ref)
	switch {
	case err == nil:
		return b, localErr
	case localErr != nil:
		return base{}, &PullError{Ref: ref, Final: isRefusal(err), Err: err}
	}
	fmt.Fprintf(progress, "Cannot pull %s (%v); taking the one that the engine has\n", ref, err)
	return b, nil
}

func (m *Manager) pullFrom(ctx context.Context, ref string, progress io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(m.firstAnswer, func() { cancel(errSilent) })
	defer watch.Stop()
	answer, err := m.cli.ImagePull(ctx, ref, image.PullOptions{})
	if err == nil {
		err = messages(answer, func(msg message) {
			watch.Reset(silence)
			if msg.ID == "" || strings.HasSuffix(msg.Status, " complete") {
				fmt.Fprintln(progress, strings.TrimSpace(msg.ID+" "+msg.Status))
			}
		})
		answer.Close()
	}
	if err != nil && errors.Is(context.Cause(ctx), errSilent) {
		return errSilent
	}
	return err
}

// local finds a base on the engine and pins it by digest.
func (m *Manager) local(ctx context.Context, ref string) (base, error) {
	found, err := m.cli.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		return base{}, fmt.Errorf("the engine has no image %s", ref)
	}
	if err != nil {
		return base{}, fmt.Errorf("inspect image %s: %w", ref, err)
	}
	return base{id: found.ID, desc: pinned(ref, found.ID, found.RepoDigests)}, nil
}

// pinned adds to a reference the digest by which its registry knows the image. An image that came
// from no registry is known by its ID.
func pinned(ref, id string, repoDigests []string) string {
	if strings.HasPrefix(ref, "sha256:") || strings.Contains(ref, "@") {
		return ref
	}
	for _, d := range repoDigests {
		if _, digest, ok := strings.Cut(d, "@"); ok {
			return ref + "@" + digest
		}
	}
	return ref + "@" + id
}
