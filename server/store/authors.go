package store

import (
	"context"
	"fmt"
	"time"

	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

const (
	// authorsEvery is how often names are looked for that have had their time.
	authorsEvery = time.Hour
	// authorsMost bounds one transaction, so that it does not hold up others.
	authorsMost = 500
)

// dropAuthors takes the author's name off the builds that ended longer ago than keep, which is zero for never. SQLite
// overwrites what it held (secure_delete); what a commit's message or a log says of people stays.
func (s *Store) dropAuthors(ctx context.Context, keep time.Duration) error {
	if keep <= 0 {
		return nil
	}
	for {
		var ids []int64
		err := s.db.Read(ctx).Model(&builds.Row{}).Where("author <> '' AND ended_at > 0 AND ended_at < ?", database.Micros(s.db.Now().Add(-keep))).
			Order("id").Limit(authorsMost).Pluck("id", &ids).Error
		if err != nil {
			return fmt.Errorf("look for authors to drop: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		err = s.db.Transact(ctx, func(tx *database.Tx) error {
			return tx.Model(&builds.Row{}).Where("id IN ?", ids).Update("author", "").Error
		})
		if err != nil {
			return fmt.Errorf("drop authors: %w", err)
		}
		s.log.InfoContext(ctx, "author names dropped", "builds", len(ids), "after", keep)
	}
}
