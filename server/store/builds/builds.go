// Package builds is the builds and their steps as a database has them: their rows, and the queries
// that find them for who may see them.
//
// Every query is restricted by a Sight. Every write of an attempt is fenced by the attempt's number,
// so that a process that was thought dead cannot write into the attempt that replaced it.
package builds

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/store/database"
)

// Builds reads the builds of a database.
type Builds struct{ db *database.DB }

// New reads those of db.
func New(db *database.DB) *Builds { return &Builds{db} }

// Get gives one build with its newest attempt's steps, in their order, or database.ErrNotFound.
func (b *Builds) Get(ctx context.Context, id int64) (pipeline.Build, error) {
	return b.Visible(ctx, id, Sight{All: true})
}

// Visible is Get for somebody who sees what v says. One query finds neither a build that may not be seen nor one that
// does not exist, so that not even the time it takes tells the two apart.
func (b *Builds) Visible(ctx context.Context, id int64, v Sight) (pipeline.Build, error) {
	var r Row
	err := v.restrict(b.db.Read(ctx), "builds").Take(&r, id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = database.ErrNotFound
	}
	if err != nil {
		return pipeline.Build{}, fmt.Errorf("read build %d: %w", id, err)
	}
	one := r.Build()
	if one.Steps, err = b.steps(ctx, r); err != nil {
		return pipeline.Build{}, fmt.Errorf("read the steps of build %d: %w", id, err)
	}
	return one, b.addOutages(ctx, &one)
}

// steps are those of the newest attempt, in their order.
func (b *Builds) steps(ctx context.Context, r Row) ([]pipeline.Step, error) {
	var rows []StepRow
	if err := b.db.Read(ctx).Where("build_id = ? AND attempt = ?", r.ID, r.Attempt).Find(&rows).Error; err != nil {
		return nil, err
	}
	var steps []pipeline.Step
	for _, r := range rows {
		st, err := r.Step()
		if err != nil {
			return nil, err
		}
		steps = append(steps, st)
	}
	slices.SortFunc(steps, func(x, y pipeline.Step) int {
		return cmp.Compare(slices.Index(pipeline.StepNames, x.Name), slices.Index(pipeline.StepNames, y.Name))
	})
	return steps, nil
}

// Of are the builds of rows.
func Of(rows []Row) []pipeline.Build {
	list := make([]pipeline.Build, len(rows))
	for i, r := range rows {
		list[i] = r.Build()
	}
	return list
}

// Waiting is how many builds are queued.
func (b *Builds) Waiting(ctx context.Context) (int64, error) {
	var n int64
	if err := b.db.Read(ctx).Model(&Row{}).Where("state = ?", pipeline.Queued).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count waiting builds: %w", err)
	}
	return n, nil
}

// StartedBetween counts the builds whose attempts began between two moments, up to a bound.
func (b *Builds) StartedBetween(ctx context.Context, from, to time.Time, most int) (int, error) {
	var n int64
	few := b.db.Read(ctx).Model(&Row{}).Select("1").
		Where("started_at > ? AND started_at < ?", database.Micros(from), database.Micros(to)).Limit(most)
	if err := b.db.Read(ctx).Table("(?) AS few", few).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count the builds that were started: %w", err)
	}
	return int(n), nil
}
