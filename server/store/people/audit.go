package people

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vivarium/server/store/database"
)

// Actor is who changes something, for the audit.
type Actor struct {
	Who  string // such as the operator, a token by its name, a user of the machine
	From string // the address, where it came over HTTP
}

// Change is one line of the audit: what was changed, by whom.
type Change struct {
	ID   int64
	At   time.Time
	Who  string
	From string
	What string // such as "let in repository"
	Of   string // what it was done to
}

type auditRow struct {
	ID      int64 `gorm:"primaryKey"`
	At      int64
	Who     string
	Address string
	What    string
	Object  string
}

func (auditRow) TableName() string { return "audit" }

// AddChange writes a line in the transaction of what it tells of, so that there is no change without its line.
func AddChange(tx *database.Tx, by Actor, what, object string) error {
	return tx.Create(&auditRow{
		At: database.Micros(tx.Now()), Who: by.Who, Address: by.From, What: what, Object: object,
	}).Error
}

// Note writes a line of a change that was made elsewhere, such as on GitHub.
func (p *People) Note(ctx context.Context, by Actor, what, object string) error {
	if err := p.db.Transact(ctx, func(tx *database.Tx) error { return AddChange(tx, by, what, object) }); err != nil {
		return fmt.Errorf("write to the audit: %w", err)
	}
	return nil
}

// Audit gives the newest changes, newest first. With names, only those that one of them stands in as a word of its own.
func (p *People) Audit(ctx context.Context, limit int, names ...string) ([]Change, error) {
	query := p.db.Read(ctx).Order("id DESC").Limit(limit)
	if len(names) > 0 {
		named := p.db.Read(ctx)
		for _, name := range names {
			named = named.Or(
				`lower(' ' || what || ' ' || object || ' ') LIKE ? ESCAPE '\'`,
				database.Containing(" "+strings.ToLower(name)+" "),
			)
		}
		query = query.Where(named)
	}
	var rows []auditRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	changes := make([]Change, len(rows))
	for i, r := range rows {
		changes[i] = Change{ID: r.ID, At: database.FromMicros(r.At), Who: r.Who, From: r.Address, What: r.What, Of: r.Object}
	}
	return changes, nil
}
