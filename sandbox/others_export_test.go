package sandbox

import "context"

// MemoryOf is what one container counts for.
func (e *Engine) MemoryOf(ctx context.Context, id string) (int64, error) { return e.memoryOf(ctx, id) }
