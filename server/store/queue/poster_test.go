package queue_test

import (
	"context"
	"slices"
	"sync"

	"vivarium/pipeline"
)

// fakePoster is a git host in memory.
type fakePoster struct {
	mu    sync.Mutex
	posts map[string][]string // the states by SHA
}

func newFakePoster() *fakePoster { return &fakePoster{posts: map[string][]string{}} }

func (f *fakePoster) Post(_ context.Context, st pipeline.CommitStatus) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.posts[st.SHA] = append(f.posts[st.SHA], st.State)
	return nil
}

func (f *fakePoster) states(sha string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.posts[sha])
}
