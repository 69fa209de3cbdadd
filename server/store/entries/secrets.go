package entries

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vivarium/server/registry"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
)

// Rotate gives an entry a new secret; the old one still counts for the time of grace. A repository
// that a pattern lets in and that was never seen gets an entry for it.
func (e *Entries) Rotate(
	ctx context.Context, by people.Actor, name string, grace time.Duration,
) (registry.Entry, error) {
	var r row
	err := e.db.Transact(ctx, func(tx *database.Tx) error {
		if err := takeOrMake(tx, name, &r); err != nil {
			return err
		}
		if err := hasOwnSecret(tx, r); err != nil {
			return err
		}
		r.Generation++
		r.OldUntil = database.Micros(e.db.Now().Add(grace))
		if err := tx.Save(&r).Error; err != nil {
			return err
		}
		return people.AddChange(tx, by, "changed the secret of", r.Name)
	})
	if err != nil {
		return registry.Entry{}, fmt.Errorf("change the secret of %s: %w", name, err)
	}
	return r.entry(), nil
}

// hasOwnSecret says why an entry has no secret that could be changed.
func hasOwnSecret(tx *database.Tx, r row) error {
	if r.Kind == registry.Pattern {
		return errors.New("a pattern has no secret, each repository has its own: name one")
	}
	if r.Kind != registry.Seen {
		return nil
	}
	var parents []row
	if err := tx.Where("id = ?", r.ParentID).Find(&parents).Error; err != nil {
		return err
	}
	switch {
	case len(parents) == 0:
		return errors.New("GITHUB_WEBHOOK_SECRET lets it in, it has no secret of its own")
	case parents[0].Kind == registry.Organization:
		return fmt.Errorf("the hook of %s lets it in, it has no secret of its own: name that", parents[0].Name)
	}
	return nil
}

// freeSecretName is what the secret of a repository that gets this name is derived from. One that
// was called so before it was renamed keeps its secret, which must not open another.
func freeSecretName(tx *database.Tx, name string) (string, error) {
	free := name
	for n := 2; ; n++ {
		var taken int64
		err := tx.Model(&row{}).
			Where("lower(secret_name) = ? AND name_key <> ?", strings.ToLower(free), strings.ToLower(name)).
			Count(&taken).Error
		if err != nil || taken == 0 {
			return free, err
		}
		free = fmt.Sprintf("%s#%d", name, n)
	}
}
