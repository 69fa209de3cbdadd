package retention

import (
	"context"
	"fmt"
	"time"

	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// authorsMost bounds one transaction, so that it does not hold up others.
const authorsMost = 500

// DropAuthors takes the author's name off some of the builds that ended longer ago than keep, which is
// zero for never, and returns how many these were: 0 when no more have one. SQLite overwrites what it
// held (secure_delete). What a commit's message or a log says of people stays.
func (r *Retention) DropAuthors(ctx context.Context, keep time.Duration) (int, error) {
	if keep <= 0 {
		return 0, nil
	}
	var ids []int64
	err := r.db.Read(ctx).Model(&builds.Row{}).
		Where("author <> '' AND ended_at > 0 AND ended_at < ?", database.Micros(r.db.Now().Add(-keep))).
		Order("id").Limit(authorsMost).Pluck("id", &ids).Error
	if err != nil {
		return 0, fmt.Errorf("look for authors to drop: %w", err)
	}
	if len(ids) == 0 {
		return 0, nil
	}
	err = r.db.Transact(ctx, func(tx *database.Tx) error {
		return tx.Model(&builds.Row{}).Where("id IN ?", ids).Update("author", "").Error
	})
	if err != nil {
		return 0, fmt.Errorf("drop authors: %w", err)
	}
	r.log.InfoContext(ctx, "author names dropped", "builds", len(ids), "after", keep)
	return len(ids), nil
}
