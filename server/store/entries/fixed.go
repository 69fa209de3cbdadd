package entries

import (
	"context"
	"strings"

	"vivarium/server/registry"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
)

// Fix changes what the operator fixes of the builds of an entry's repositories, as it was written. ""
// has another entry decide that fits. A repository that a pattern lets in and that was never seen gets
// an entry for it.
func (e *Entries) Fix(ctx context.Context, by people.Actor, name, text string) error {
	return e.change(ctx, by, "changed what is fixed of", name, takeOrMake, func(tx *database.Tx, r row) error {
		return tx.Model(&r).Update("fixed", text).Error
	})
}

// FixedFor is what the operator fixed of a repository's builds, as it was written.
func (e *Entries) FixedFor(ctx context.Context, c registry.Origin) (string, error) {
	list, err := e.For(ctx, c)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(registry.FixedFor(list, c)), nil
}
