package egresstest

import "io"

// T is what is needed of a test; testing.TB has it.
type T interface {
	Helper()
	Cleanup(f func())
	Fatal(args ...any)
	Errorf(format string, args ...any)
}

// GitHostFor starts a git host that is closed when the test ends.
func GitHostFor(t T, c GitHostConfig) *GitHost {
	t.Helper()
	h, err := StartGitHost(c)
	return started(t, h, err)
}

// IndexFor starts an index that is closed when the test ends.
func IndexFor(t T, c IndexConfig) *Index {
	t.Helper()
	x, err := StartIndex(c)
	return started(t, x, err)
}

func started[S io.Closer](t T, s S, err error) S {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close %T: %v", s, err)
		}
	})
	return s
}
