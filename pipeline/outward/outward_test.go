package outward

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

func TestPathsOfTheHostAreCutToTheirLastPart(t *testing.T) {
	for text, want := range map[string]string{
		"Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?": "Cannot connect to the " +
			"Docker daemon at …/docker.sock. Is it running?",
		"dial unix /var/run/docker.sock: connect: permission denied": "dial unix …/docker.sock: " +
			"connect: permission denied",
		"open /srv/vivarium/data/index/ab12: no space left on device":    "open …/ab12: no space left on device",
		`mkdir "/home/mona/.cache/x y": denied, (see /etc/vivarium/env)`: `mkdir "…/x y": denied, (see …/env)`,
		// The controls: these are no paths of the host.
		"the git host https://git.example/o/n.git answered 503": "the git host " +
			"https://git.example/o/n.git answered 503",
		"disk full: /tmp/workspace/out/a.bin does not fit":   "disk full: /tmp/workspace/out/a.bin does not fit",
		"12 of 13 tests and/or 3/4 of them; ./a/b and a/b/c": "12 of 13 tests and/or 3/4 of them; ./a/b and a/b/c",
		"root / and /tmp": "root / and /tmp",
	} {
		if got := withoutPaths(text); got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	}
}

// TestErrorThatAbandonsAnAttemptNamesNoPath: such an error stands in the build's log.
func TestErrorThatAbandonsAnAttemptNamesNoPath(t *testing.T) {
	words := New([]string{"geheimes-wort"}, nil)
	err := words.Error(&fs.PathError{Op: "open", Path: "/srv/vivarium/geheimes-wort", Err: fs.ErrPermission})
	if strings.Contains(err.Error(), "/srv") || strings.Contains(err.Error(), "geheim") ||
		!errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
	if words.Error(nil) != nil {
		t.Error("no error became one")
	}
}
