// Package entries is the registry as a database has it: what lets repositories in, each entry's
// limits and the state of its secret, and what was refused.
//
// What the entries mean together is decided by server/registry, which is pure.
package entries

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"vivarium/server/registry"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
	"vivarium/server/store/watched"
)

// ErrExists says that an entry of this name is there already.
var ErrExists = errors.New("it is let in already")

// Entries is the registry of a database.
type Entries struct{ db *database.DB }

// New is the registry of db.
func New(db *database.DB) *Entries { return &Entries{db} }

// For gives the entries that a claim may meet: those of its name or its id, those that had the name
// when their secret was made, and all that let in more than one repository.
func (e *Entries) For(ctx context.Context, c registry.Origin) ([]registry.Entry, error) {
	key := strings.ToLower(c.Name)
	return found(e.db.Read(ctx).Where(
		"kind IN ? OR name_key = ? OR lower(secret_name) = ? OR (github_id = ? AND github_id > 0)",
		wholeGroups, key, key, c.ID))
}

// List gives the whole registry, by name.
func (e *Entries) List(ctx context.Context) ([]registry.Entry, error) {
	return found(e.db.Read(ctx))
}

// found are the entries of a query, by name.
func found(query *gorm.DB) ([]registry.Entry, error) {
	var rows []row
	if err := query.Order("name_key, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read the registry: %w", err)
	}
	list := make([]registry.Entry, len(rows))
	for i, r := range rows {
		list[i] = r.entry()
	}
	return list, nil
}

// Add lets a repository in, or all that fit a pattern. One that was only seen so far becomes an
// entry of its own.
func (e *Entries) Add(
	ctx context.Context, by people.Actor, kind registry.Kind, name string,
) (registry.Entry, error) {
	r := row{Kind: kind, Name: name, NameKey: strings.ToLower(name), AddedAt: database.Micros(e.db.Now())}
	err := e.db.Transact(ctx, func(tx *database.Tx) (err error) {
		if r.SecretName, err = freeSecretName(tx, name); err != nil {
			return err
		}
		var old row
		err = take(tx, name, &old)
		switch {
		case errors.Is(err, database.ErrNotFound):
			err = tx.Create(&r).Error
		case err != nil:
		case old.Kind != registry.Seen:
			return ErrExists
		default:
			r.ID, r.GitHubID, r.Generation, r.DeliveryAt = old.ID, old.GitHubID, old.Generation, old.DeliveryAt
			r.setLimits(old.limits())
			r.Fixed = old.Fixed
			err = tx.Save(&r).Error
		}
		if err != nil {
			return err
		}
		return people.AddChange(tx, by, "let in "+string(kind), name)
	})
	if err != nil {
		return registry.Entry{}, fmt.Errorf("let in %s: %w", name, err)
	}
	return r.entry(), nil
}

// Disable closes an entry, or opens it again. A repository that a pattern lets in and that was
// never seen gets an entry for it.
func (e *Entries) Disable(ctx context.Context, by people.Actor, name string, disabled bool) error {
	what := map[bool]string{true: "closed", false: "opened"}[disabled]
	return e.change(ctx, by, what, name, takeOrMake, func(tx *database.Tx, r row) error {
		return tx.Model(&r).Update("disabled", disabled).Error
	})
}

// Remove removes an entry, with those of the repositories that were seen by way of it. Their builds
// stay. changed are the names whose secret had been changed: a repository that is let in again has
// its first secret.
func (e *Entries) Remove(ctx context.Context, by people.Actor, name string) (changed []string, err error) {
	err = e.change(ctx, by, "took out", name, take, func(tx *database.Tx, r row) error {
		its := func() *gorm.DB { return tx.Model(&row{}).Where("id = ? OR parent_id = ?", r.ID, r.ID) }
		if err := its().Where("generation > 0").Order("name_key").Pluck("name", &changed).Error; err != nil {
			return err
		}
		return its().Delete(&row{}).Error
	})
	return changed, err
}

// change changes an entry that find finds, with a line in the audit.
func (e *Entries) change(ctx context.Context, by people.Actor, what, name string,
	find func(*database.Tx, string, *row) error, change func(*database.Tx, row) error,
) error {
	err := e.db.Transact(ctx, func(tx *database.Tx) error {
		var r row
		if err := find(tx, name, &r); err != nil {
			return err
		}
		if err := change(tx, r); err != nil {
			return err
		}
		return people.AddChange(tx, by, what, r.Name)
	})
	if err != nil {
		return fmt.Errorf("change the entry of %s: %w", name, err)
	}
	return nil
}

// Rename follows a repository that GitHub says has another name now.
func (e *Entries) Rename(ctx context.Context, entry int64, name string) error {
	err := e.db.Transact(ctx, func(tx *database.Tx) error {
		var r row
		if err := tx.Take(&r, entry).Error; err != nil {
			return err
		}
		old := r.Name
		if err := watched.Rename(tx, r.NameKey, name); err != nil {
			return err
		}
		r.Name, r.NameKey = name, strings.ToLower(name)
		if err := tx.Save(&r).Error; err != nil {
			return err
		}
		return people.AddChange(tx, people.Actor{Who: "GitHub"}, "renamed "+old+" to", name)
	})
	if err != nil {
		return fmt.Errorf("follow the renaming to %s: %w", name, err)
	}
	return nil
}

// LearnID keeps GitHub's id of a repository, once GitHub itself has told it.
func (e *Entries) LearnID(ctx context.Context, name string, id int64) error {
	err := e.db.Transact(ctx, func(tx *database.Tx) error {
		return tx.Model(&row{}).Where("name_key = ? AND kind IN ?", strings.ToLower(name), singles).
			Update("github_id", id).Error
	})
	if err != nil {
		return fmt.Errorf("keep the id of %s: %w", name, err)
	}
	return nil
}

// Unidentified gives the names after one, in order, of repositories that have delivered and whose
// id is not known.
func (e *Entries) Unidentified(ctx context.Context, after string, limit int) ([]string, error) {
	var names []string
	err := e.db.Read(ctx).Model(&row{}).
		Where("github_id = 0 AND delivery_at > 0 AND name_key > ? AND kind IN ?", strings.ToLower(after), singles).
		Order("name_key").Limit(limit).Pluck("name", &names).Error
	if err != nil {
		return nil, fmt.Errorf("find repositories without an id: %w", err)
	}
	return names, nil
}

// Drop removes a repository's own entry, by its name in lower case. changed says that its secret
// had been changed.
func Drop(tx *database.Tx, key string) (n int64, changed bool, err error) {
	own := func() *gorm.DB { return tx.Where("name_key = ? AND kind IN ?", key, singles) }
	var generations int64
	if err := own().Model(&row{}).Where("generation > 0").Count(&generations).Error; err != nil {
		return 0, false, err
	}
	r := own().Delete(&row{})
	return r.RowsAffected, generations > 0, r.Error
}
