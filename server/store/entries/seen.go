package entries

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
)

// heardTries is how often a delivery is tried to be noted while other servers hold the same rows.
const heardTries = 3

// Heard notes a delivery that asks for no build and whose signature held. One that says that its
// repository is private hides the repository's earlier builds. became is what GitHub says that it
// became, for the audit; empty texts are nothing.
func (e *Entries) Heard(ctx context.Context, via registry.Entry, r pipeline.Repository, became ...string) error {
	err := database.TryAgain(heardTries, database.IsDeadlock, func() error {
		return e.db.Transact(ctx, func(tx *database.Tx) error {
			entry, err := See(tx, via, r.FullName)
			for _, what := range became {
				if what != "" && err == nil {
					err = people.AddChange(tx, people.Actor{Who: "GitHub"}, what, r.FullName)
				}
			}
			if err != nil || !r.Private {
				return err
			}
			return builds.Hide(tx, strings.ToLower(r.FullName), entry)
		})
	})
	if err != nil {
		return fmt.Errorf("note a delivery of %s: %w", r.FullName, err)
	}
	return nil
}

// Hold is See where no delivery has come: the repository was looked at.
func Hold(tx *database.Tx, via registry.Entry, name string) (entry int64, err error) {
	return see(tx, via, name, 0)
}

// See notes a delivery whose signature held, in the transaction that accepts it, and gives the
// repository's own entry. Its row is held against other deliveries until the transaction ends.
func See(tx *database.Tx, via registry.Entry, name string) (entry int64, err error) {
	return see(tx, via, name, database.Micros(tx.Now()))
}

// see is See with the time of the delivery; 0: there was none.
func see(tx *database.Tx, via registry.Entry, name string, delivered int64) (entry int64, err error) {
	later := gorm.Expr("CASE WHEN repositories.delivery_at < ? THEN ? ELSE repositories.delivery_at END", delivered,
		delivered)
	key, now := strings.ToLower(name), database.Micros(tx.Now())
	id := clause.Returning{Columns: []clause.Column{{Name: "id"}}}
	var r row
	changes := map[string]any{"delivery_at": later}
	if via.Kind == registry.Seen { // a pattern may let it in now that the shared secret does not
		changes["parent_id"] = gorm.Expr("CASE WHEN kind = ? THEN ? ELSE parent_id END", registry.Seen, via.Parent)
	}
	known := tx.Model(&r).Clauses(id).Where("name_key = ?", key).Updates(changes)
	if known.Error != nil || known.RowsAffected > 0 {
		return r.ID, known.Error
	}
	r = row{
		Kind:       registry.Seen,
		Name:       name,
		NameKey:    key,
		ParentID:   via.ID,
		SecretName: name,
		AddedAt:    now,
		DeliveryAt: delivered,
	}
	// Another server may have seen it meanwhile.
	seen := clause.OnConflict{
		Columns:   []clause.Column{{Name: "name_key"}},
		DoUpdates: clause.Assignments(map[string]any{"delivery_at": later}),
	}
	err = tx.Clauses(seen, id).Create(&r).Error
	return r.ID, err
}
