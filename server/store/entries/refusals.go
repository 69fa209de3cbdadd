package entries

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"vivarium/server/store/database"
)

// maxRefusals bounds the names that are kept of what was refused, since a request may claim any
// name.
const maxRefusals = 1000

// Refusal counts the deliveries of a repository that nothing lets in.
type Refusal struct {
	Name  string
	Count int64
	First time.Time
	Last  time.Time
}

type refusalRow struct {
	Name    string `gorm:"primaryKey"` // in lower case
	Times   int64
	FirstAt int64
	LastAt  int64
}

func (refusalRow) TableName() string { return "refusals" }

// Refuse counts a delivery that was refused. Past the bound, the names that were refused longest
// ago go.
func (e *Entries) Refuse(ctx context.Context, name string) error {
	now := database.Micros(e.db.Now())
	row := refusalRow{Name: strings.ToLower(name), Times: 1, FirstAt: now, LastAt: now}
	err := e.db.Transact(ctx, func(tx *database.Tx) error {
		err := tx.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "name"}},
			DoUpdates: clause.Assignments(map[string]any{"times": gorm.Expr("refusals.times + 1"), "last_at": now}),
		}).Create(&row).Error
		if err != nil {
			return err
		}
		return tx.Exec(`DELETE FROM refusals WHERE name IN
			(SELECT name FROM refusals ORDER BY last_at DESC, name LIMIT 1000000 OFFSET ?)`, maxRefusals).Error
	})
	if err != nil {
		return fmt.Errorf("count a refusal: %w", err)
	}
	return nil
}

// Refusals gives what was refused, newest first.
func (e *Entries) Refusals(ctx context.Context) ([]Refusal, error) {
	var rows []refusalRow
	if err := e.db.Read(ctx).Order("last_at DESC, name").Limit(maxRefusals).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read the refusals: %w", err)
	}
	refusals := make([]Refusal, len(rows))
	for i, r := range rows {
		refusals[i] = Refusal{
			Name:  r.Name,
			Count: r.Times,
			First: database.FromMicros(r.FirstAt),
			Last:  database.FromMicros(r.LastAt),
		}
	}
	return refusals, nil
}

// DropRefusal removes what was counted of a repository's refusals, by its name in lower case.
func DropRefusal(tx *database.Tx, key string) (int64, error) {
	r := tx.Where("name = ?", key).Delete(&refusalRow{})
	return r.RowsAffected, r.Error
}
