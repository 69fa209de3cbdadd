package images

import (
	"errors"
	"fmt"
	"testing"

	"github.com/containerd/errdefs"
)

func TestRegistryThatIsAwayIsToldFromOneThatHasNoSuchImage(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		final bool
	}{
		"no answer": {errSilent, false},
		"refused connection": {
			errors.New(`Get "https://registry.example/v2/": dial tcp 192.0.2.1:443: connect: connection refused`),
			false,
		},
		"server error":      {fmt.Errorf("received unexpected HTTP status: 503: %w", errdefs.ErrInternal), false},
		"too many requests": {errors.New("toomanyrequests: You have reached your pull rate limit"), false},
		"no such tag": {
			errors.New("manifest for python:3.99 not found: manifest unknown: manifest unknown"),
			true,
		},
		"no such repository": {
			fmt.Errorf("pull access denied for x, repository does not exist: %w", errdefs.ErrNotFound),
			true,
		},
		"another architecture": {errors.New("no matching manifest for linux/arm64 in the manifest list entries"), true},
		"no reference":         {fmt.Errorf("invalid reference format: %w", errdefs.ErrInvalidArgument), true},
	} {
		if got := isRefusal(c.err); got != c.final {
			t.Errorf("%s: final %t, want %t", name, got, c.final)
		}
	}
}
