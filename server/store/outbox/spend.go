package outbox

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"vivarium/server/store/database"
	"vivarium/server/store/outbox/budget"
)

// spendingRow is a request that was sent to the host and counts against its limits. It is kept for
// an hour, so that a server that is started anew knows what it has used.
type spendingRow struct {
	ID      int64 `gorm:"primaryKey"`
	Account string
	At      int64
}

func (spendingRow) TableName() string { return "spendings" }

// spendLock keeps servers that share a database from spending the same rest.
const spendLock = 28

// class is what r counts as.
func (r statusRow) class() budget.Class {
	if r.ends() {
		return budget.Result
	}
	return budget.Extra
}

// Spend takes one request out of an account's budget, or says how long to wait, and why.
func (o *Outbox) Spend(
	ctx context.Context, most budget.Limits, account string, c budget.Class,
) (wait time.Duration, why error) {
	if most == (budget.Limits{}) {
		return 0, nil
	}
	err := o.db.Transact(ctx, func(tx *database.Tx) error {
		if err := tx.Alone(spendLock); err != nil {
			return err
		}
		now := o.db.Now()
		old := tx.Where("at <= ?", database.Micros(now.Add(-time.Hour))).Delete(&spendingRow{})
		if old.Error != nil {
			return old.Error
		}
		sent, err := spent(tx.DB, account)
		if err != nil {
			return err
		}
		if wait, why = most.Wait(sent, c, now); wait > 0 {
			return nil
		}
		return tx.Create(&spendingRow{Account: account, At: database.Micros(now)}).Error
	})
	if err != nil {
		return time.Second, fmt.Errorf("look at what was sent in the last hour: %w", err)
	}
	return wait, why
}

// charge counts n requests that were sent beside one that was spent.
func (s *Sender) charge(ctx context.Context, account string, n int) {
	if s.Budget == (budget.Limits{}) || n == 0 {
		return
	}
	rows := make([]spendingRow, n)
	for i := range rows {
		rows[i] = spendingRow{Account: account, At: database.Micros(s.db.Now())}
	}
	err := s.db.Transact(ctx, func(tx *database.Tx) error { return tx.Create(&rows).Error })
	if err != nil {
		s.Log.WarnContext(ctx, "requests that were sent are not counted", "count", n, "err", err)
	}
}

// extrasWait is how long an account's extras have to wait.
func (s *Sender) extrasWait(tx *database.Tx, account string) (time.Duration, error) {
	if s.Budget == (budget.Limits{}) {
		return 0, nil
	}
	sent, err := spent(tx.DB, account)
	wait, _ := s.Budget.Wait(sent, budget.Extra, s.db.Now())
	return wait, err
}

// spent are the times at which an account's requests were sent, oldest first.
func spent(db *gorm.DB, account string) ([]time.Time, error) {
	var at []int64
	err := db.Model(&spendingRow{}).Where("account = ?", account).Order("at").Pluck("at", &at).Error
	times := make([]time.Time, len(at))
	for i, micros := range at {
		times[i] = database.FromMicros(micros)
	}
	return times, err
}

// Used says of each account how much was sent within the last hour and minute.
func (o *Outbox) Used(ctx context.Context) (map[string]budget.Use, error) {
	var accounts []string
	if err := o.db.Read(ctx).Model(&spendingRow{}).Distinct().Pluck("account", &accounts).Error; err != nil {
		return nil, fmt.Errorf("read what was sent: %w", err)
	}
	used := map[string]budget.Use{}
	for _, account := range accounts {
		sent, err := spent(o.db.Read(ctx), account)
		if err != nil {
			return nil, fmt.Errorf("read what was sent: %w", err)
		}
		used[account] = budget.UseOf(sent, o.db.Now())
	}
	return used, nil
}
