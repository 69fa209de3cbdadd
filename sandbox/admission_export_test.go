package sandbox

import "context"

// OthersMemory is what other instances' sandboxes may use.
func (e *Engine) OthersMemory(ctx context.Context, instance string) (int64, error) {
	return e.othersMemory(ctx, instance)
}
