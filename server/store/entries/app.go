package entries

import (
	"context"
	"fmt"
	"strings"

	"vivarium/server/registry"
	"vivarium/server/store/database"
)

// SetApp notes whether the GitHub App sees a repository, which via lets in. One that is not known is
// not made known by its not being seen.
func SetApp(ctx context.Context, e *Entries, via registry.Entry, name string, sees bool) error {
	err := database.TryAgain(heardTries, database.IsDeadlock, func() error {
		return e.db.Transact(ctx, func(tx *database.Tx) error {
			if sees {
				if _, err := See(tx, via, name); err != nil {
					return err
				}
			}
			return tx.Model(&row{}).Where("name_key = ? AND kind IN ?", strings.ToLower(name), singles).
				Update("app", sees).Error
		})
	})
	if err != nil {
		return fmt.Errorf("note whether the GitHub App sees %s: %w", name, err)
	}
	return nil
}

// HasApp reports whether the GitHub App sees a repository.
func HasApp(tx *database.Tx, name string) (bool, error) {
	var n int64
	err := tx.Model(&row{}).Where("name_key = ? AND kind IN ? AND app", strings.ToLower(name), singles).Count(&n).Error
	return n > 0, err
}
