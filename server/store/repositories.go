package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
)

// ErrExists says that an entry of this name is there already.
var ErrExists = errors.New("it is let in already")

// repositoryRow is an entry of the registry.
type repositoryRow struct {
	ID         int64 `gorm:"primaryKey"`
	Kind       registry.Kind
	Name       string // as people write it
	NameKey    string // in lower case: GitHub's names are compared so
	ParentID   int64
	GitHubID   int64 `gorm:"column:github_id"`
	SecretName string
	Generation int64
	OldUntil   int64
	Disabled   bool
	AddedAt    int64
	DeliveryAt int64

	RunningLimit int
	EachLimit    int
	MinutesLimit int
	LogLimit     int64
	QueueLimit   int
}

func (repositoryRow) TableName() string { return "repositories" }

func (r repositoryRow) entry() registry.Entry {
	return registry.Entry{
		ID: r.ID, Kind: r.Kind, Name: r.Name, Parent: r.ParentID, GitHubID: r.GitHubID,
		SecretName: r.SecretName, Generation: r.Generation, OldUntil: database.FromMicros(r.OldUntil), Disabled: r.Disabled,
		AddedAt: database.FromMicros(r.AddedAt), DeliveryAt: database.FromMicros(r.DeliveryAt), Limits: r.limits(),
	}
}

// EntriesFor gives the entries that a claim may meet: those of its name and its id, those that had the name when their secret was
// made, and all that let in more than one.
func (s *Store) EntriesFor(ctx context.Context, c registry.Claim) ([]registry.Entry, error) {
	key := strings.ToLower(c.Name)
	return s.entries(s.db.Read(ctx).Where("kind IN ? OR name_key = ? OR lower(secret_name) = ? OR (github_id = ? AND github_id > 0)",
		[]registry.Kind{registry.Pattern, registry.Organization}, key, key, c.ID))
}

// Entries gives the whole registry, by name.
func (s *Store) Entries(ctx context.Context) ([]registry.Entry, error) {
	return s.entries(s.db.Read(ctx))
}

func (s *Store) entries(query *gorm.DB) ([]registry.Entry, error) {
	var rows []repositoryRow
	if err := query.Order("name_key, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read the registry: %w", err)
	}
	entries := make([]registry.Entry, len(rows))
	for i, r := range rows {
		entries[i] = r.entry()
	}
	return entries, nil
}

// AddEntry lets a repository in, or all that fit a pattern. What was only seen so far becomes an entry of its own.
func (s *Store) AddEntry(ctx context.Context, by people.Actor, kind registry.Kind, name string) (registry.Entry, error) {
	row := repositoryRow{Kind: kind, Name: name, NameKey: strings.ToLower(name), AddedAt: database.Micros(s.db.Now())}
	err := s.db.Transact(ctx, func(tx *database.Tx) (err error) {
		if row.SecretName, err = freeSecretName(tx, name); err != nil {
			return err
		}
		var old repositoryRow
		err = tx.Where("name_key = ?", row.NameKey).Take(&old).Error
		switch {
		case errors.Is(err, gorm.ErrRecordNotFound):
			if err := tx.Create(&row).Error; err != nil {
				return err
			}
		case err != nil:
			return err
		case old.Kind != registry.Seen:
			return ErrExists
		default:
			row.ID, row.GitHubID, row.Generation, row.DeliveryAt = old.ID, old.GitHubID, old.Generation, old.DeliveryAt
			row.setLimits(old.limits())
			if err := tx.Save(&row).Error; err != nil {
				return err
			}
		}
		return people.AddChange(tx, by, "let in "+string(kind), name)
	})
	if err != nil {
		return registry.Entry{}, fmt.Errorf("let in %s: %w", name, err)
	}
	return row.entry(), nil
}

// freeSecretName is what the secret of a repository that gets this name is derived from. One that was called so before it was
// renamed keeps its secret, which must not open another.
func freeSecretName(tx *database.Tx, name string) (string, error) {
	free := name
	for n := 2; ; n++ {
		var taken int64
		err := tx.Model(&repositoryRow{}).Where("lower(secret_name) = ? AND name_key <> ?", strings.ToLower(free), strings.ToLower(name)).
			Count(&taken).Error
		if err != nil || taken == 0 {
			return free, err
		}
		free = fmt.Sprintf("%s#%d", name, n)
	}
}

// Rotate gives an entry a new secret; the old one counts for grace longer. A repository that a pattern lets in and that was
// never seen is written down for it.
func (s *Store) Rotate(ctx context.Context, by people.Actor, name string, grace time.Duration) (registry.Entry, error) {
	var row repositoryRow
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		if err := takeOrSee(tx, name, &row); err != nil {
			return err
		}
		if err := hasOwnSecret(tx, row); err != nil {
			return err
		}
		row.Generation++
		row.OldUntil = database.Micros(s.db.Now().Add(grace))
		if err := tx.Save(&row).Error; err != nil {
			return err
		}
		return people.AddChange(tx, by, "changed the secret of", row.Name)
	})
	if err != nil {
		return registry.Entry{}, fmt.Errorf("change the secret of %s: %w", name, err)
	}
	return row.entry(), nil
}

// hasOwnSecret says why an entry has no secret that could be changed.
func hasOwnSecret(tx *database.Tx, row repositoryRow) error {
	if row.Kind == registry.Pattern {
		return errors.New("a pattern has no secret, each repository has its own: name one")
	}
	if row.Kind != registry.Seen {
		return nil
	}
	var parents []repositoryRow
	if err := tx.Where("id = ?", row.ParentID).Find(&parents).Error; err != nil {
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

// takeOrSee reads the entry of a name, or makes one for a repository that a pattern or an organization's hook lets in.
func takeOrSee(tx *database.Tx, name string, row *repositoryRow) error {
	err := takeEntry(tx, name, row)
	if !errors.Is(err, database.ErrNotFound) {
		return err
	}
	if registry.CheckPattern(name) != nil || registry.IsPattern(name) { // it may fit a pattern, but is no repository's
		return database.ErrNotFound
	}
	var patterns []repositoryRow
	if err := tx.Where("kind IN ?", []registry.Kind{registry.Pattern, registry.Organization}).Find(&patterns).Error; err != nil {
		return err
	}
	for _, p := range patterns {
		if registry.Matches(p.Name, name) && (row.ParentID == 0 || len(p.Name) > len(row.Name)) {
			row.ParentID, row.Name = p.ID, p.Name // the one that says most
		}
	}
	if row.ParentID == 0 {
		return database.ErrNotFound
	}
	row.Kind, row.Name, row.NameKey, row.AddedAt = registry.Seen, name, strings.ToLower(name), database.Micros(tx.Now())
	if row.SecretName, err = freeSecretName(tx, name); err != nil {
		return err
	}
	return tx.Create(row).Error
}

// Disable closes an entry, and opens it again. A repository that a pattern lets in and that was never seen is written down for it.
func (s *Store) Disable(ctx context.Context, by people.Actor, name string, disabled bool) error {
	what := map[bool]string{true: "closed", false: "opened"}[disabled]
	return s.changeEntry(ctx, by, what, name, takeOrSee, func(tx *database.Tx, row repositoryRow) error {
		return tx.Model(&row).Update("disabled", disabled).Error
	})
}

// RemoveEntry takes an entry out, with all that was seen by way of it. Its builds stay. It gives the names whose secret had been
// changed: let in again, each has its first one.
func (s *Store) RemoveEntry(ctx context.Context, by people.Actor, name string) (changed []string, err error) {
	err = s.changeEntry(ctx, by, "took out", name, takeEntry, func(tx *database.Tx, row repositoryRow) error {
		its := func() *gorm.DB { return tx.Model(&repositoryRow{}).Where("id = ? OR parent_id = ?", row.ID, row.ID) }
		if err := its().Where("generation > 0").Order("name_key").Pluck("name", &changed).Error; err != nil {
			return err
		}
		return its().Delete(&repositoryRow{}).Error
	})
	return changed, err
}

func takeEntry(tx *database.Tx, name string, row *repositoryRow) error {
	err := tx.Where("name_key = ?", strings.ToLower(name)).Take(row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = database.ErrNotFound
	}
	return err
}

func (s *Store) changeEntry(ctx context.Context, by people.Actor, what, name string, take func(*database.Tx, string, *repositoryRow) error,
	change func(*database.Tx, repositoryRow) error) error {
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		var row repositoryRow
		if err := take(tx, name, &row); err != nil {
			return err
		}
		if err := change(tx, row); err != nil {
			return err
		}
		return people.AddChange(tx, by, what, row.Name)
	})
	if err != nil {
		return fmt.Errorf("change the entry of %s: %w", name, err)
	}
	return nil
}

// Rename follows a repository that GitHub says has another name now.
func (s *Store) Rename(ctx context.Context, entry int64, name string) error {
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		var row repositoryRow
		if err := tx.Take(&row, entry).Error; err != nil {
			return err
		}
		old := row.Name
		row.Name, row.NameKey = name, strings.ToLower(name)
		if err := tx.Save(&row).Error; err != nil {
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
func (s *Store) LearnID(ctx context.Context, name string, id int64) error {
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		return tx.Model(&repositoryRow{}).
			Where("name_key = ? AND kind IN ?", strings.ToLower(name), []registry.Kind{registry.Repository, registry.Seen}).
			Update("github_id", id).Error
	})
	if err != nil {
		return fmt.Errorf("keep the id of %s: %w", name, err)
	}
	return nil
}

// Heard notes a delivery that asks for no build and whose signature held. One that says that its repository is private hides its
// earlier builds.
func (s *Store) Heard(ctx context.Context, via registry.Entry, r pipeline.Repository) error {
	err := database.TryAgain(acceptTries, database.IsDeadlock, func() error {
		return s.db.Transact(ctx, func(tx *database.Tx) error {
			entry, err := see(tx, via, r.FullName)
			if err != nil {
				return err
			}
			if !r.Private {
				return nil
			}
			return builds.Hide(tx, strings.ToLower(r.FullName), entry)
		})
	})
	if err != nil {
		return fmt.Errorf("note a delivery of %s: %w", r.FullName, err)
	}
	return nil
}

// see notes a delivery whose signature held, in the transaction that accepts it, and gives the repository's own entry.
func see(tx *database.Tx, via registry.Entry, name string) (entry int64, err error) {
	key, now := strings.ToLower(name), database.Micros(tx.Now())
	var row repositoryRow
	changes := map[string]any{"delivery_at": now}
	if via.Kind == registry.Seen { // a pattern may let it in now that the shared secret does not
		changes["parent_id"] = gorm.Expr("CASE WHEN kind = ? THEN ? ELSE parent_id END", registry.Seen, via.Parent)
	}
	r := tx.Model(&row).Clauses(clause.Returning{Columns: []clause.Column{{Name: "id"}}}).Where("name_key = ?", key).Updates(changes)
	if r.Error != nil || r.RowsAffected > 0 {
		return row.ID, r.Error
	}
	row = repositoryRow{
		Kind: registry.Seen, Name: name, NameKey: key, ParentID: via.ID, SecretName: name, AddedAt: now, DeliveryAt: now,
	}
	err = tx.Clauses( // another server may have seen it meanwhile
		clause.OnConflict{Columns: []clause.Column{{Name: "name_key"}}, DoUpdates: clause.Assignments(map[string]any{"delivery_at": now})},
		clause.Returning{Columns: []clause.Column{{Name: "id"}}},
	).Create(&row).Error
	return row.ID, err
}

// Unidentified gives the names after one, in order, of repositories that have delivered and whose id is not known.
func (s *Store) Unidentified(ctx context.Context, after string, limit int) ([]string, error) {
	var names []string
	err := s.db.Read(ctx).Model(&repositoryRow{}).
		Where("github_id = 0 AND delivery_at > 0 AND name_key > ? AND kind IN ?", strings.ToLower(after),
			[]registry.Kind{registry.Repository, registry.Seen}).
		Order("name_key").Limit(limit).Pluck("name", &names).Error
	if err != nil {
		return nil, fmt.Errorf("find repositories without an id: %w", err)
	}
	return names, nil
}

// dropEntry removes a repository's own entry, by its name in lower case. changed says that its secret had been changed.
func dropEntry(tx *database.Tx, key string) (n int64, changed bool, err error) {
	own := "name_key = ? AND kind IN ?"
	kinds := []registry.Kind{registry.Repository, registry.Seen}
	var generations int64
	if err := tx.Model(&repositoryRow{}).Where(own+" AND generation > 0", key, kinds).Count(&generations).Error; err != nil {
		return 0, false, err
	}
	r := tx.Where(own, key, kinds).Delete(&repositoryRow{})
	return r.RowsAffected, generations > 0, r.Error
}
