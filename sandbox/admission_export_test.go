package sandbox

import "context"

// OthersMemory is what other instances' sandboxes may use, and what all other containers do.
func (e *Engine) OthersMemory(ctx context.Context, instance string) (sandboxes, rest int64, err error) {
	o, err := e.othersMemory(ctx, instance)
	return o.sandboxes, o.rest, err
}

// MemoryOf is what one container counts for.
func (e *Engine) MemoryOf(ctx context.Context, id string) (int64, error) { return e.memoryOf(ctx, id) }
