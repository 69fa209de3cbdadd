package builds

import (
	"context"
	"fmt"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/database"
)

// Outage is something outside that does not answer.
type Outage struct {
	Cause pipeline.Cause // which: what builds end with that need it
	Why   string         // for everybody: it names no repository
	Since time.Time
	Next  time.Time // when it is looked at next
}

// OutageRow is what does not answer, for all servers of this database. An engine's stands there on
// SQLite alone, for people to see: elsewhere each server has one of its own.
type OutageRow struct {
	Cause  pipeline.Cause `gorm:"primaryKey"`
	Why    string
	Since  int64
	Tries  int
	NextAt int64
}

func (OutageRow) TableName() string { return "outages" }

// Outages lists what does not answer now, as far as it is known: a service is looked at once a
// build met it, until it answers.
func (b *Builds) Outages(ctx context.Context) ([]Outage, error) {
	var rows []OutageRow
	if err := b.db.Read(ctx).Order("cause").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read what does not answer: %w", err)
	}
	list := make([]Outage, len(rows))
	for i, r := range rows {
		list[i] = Outage{Cause: r.Cause, Why: r.Why, Since: database.FromMicros(r.Since), Next: database.FromMicros(r.NextAt)}
	}
	return list, nil
}

// addOutages says of queued builds what they wait for that were never tried.
func (b *Builds) addOutages(ctx context.Context, list ...*pipeline.Build) error {
	var waiting []*pipeline.Build
	for _, one := range list {
		if one.State == pipeline.Queued && one.Waiting == nil {
			waiting = append(waiting, one)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	outages, err := b.Outages(ctx)
	if err != nil {
		return err
	}
	for _, t := range outages {
		if t.Cause != pipeline.CauseClone && t.Cause != pipeline.CauseEngine { // what every build needs
			continue
		}
		for _, one := range waiting {
			wait(one, pipeline.Waiting{Cause: t.Cause, Why: t.Why, Since: t.Since, Next: t.Next})
		}
	}
	return nil
}

// wait puts what a build waits for into it, where people look.
func wait(b *pipeline.Build, w pipeline.Waiting) {
	b.Waiting, b.Summary = &w, w.String()
}
