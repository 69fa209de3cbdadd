// Package usage counts what the builds of repositories use of the operator's limits.
package usage

import (
	"time"

	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// Of is what the repositories of an entry have used of its limits. It counts only what has a limit. All
// that it asks is found by indexes.
func Of(db *gorm.DB, entry int64, l registry.Limits, now time.Time) (u registry.Use, err error) {
	own := func() *gorm.DB {
		return db.Model(&builds.Row{}).
			Where("entry_id IN (SELECT id FROM repositories WHERE id = ? OR parent_id = ?)", entry, entry)
	}
	total := func(into *int64, of *gorm.DB, expression string, values ...any) {
		if err == nil {
			err = of.Select("coalesce(sum("+expression+"), 0)", values...).Scan(into).Error
		}
	}
	var running, waiting, ended, before, soFar int64
	if l.Running > 0 {
		total(&running, own().Where("state = ?", pipeline.Running), "1")
	}
	if l.Queue > 0 {
		total(&waiting, own().Where("state = 'queued'"), "1") // as its index has it
	}
	if l.LogBytes > 0 {
		total(&u.LogBytes, own(), "log_bytes")
	}
	if l.Minutes > 0 {
		today := now.UTC().Truncate(24 * time.Hour)
		total(&ended, own().Where("ended_at >= ?", database.Micros(today)), "spent")
		total(&before, own().Where("ended_at = 0 AND spent > 0"), "spent") // by attempts before the present one
		total(&soFar, own().Where("state = ?", pipeline.Running), "? - started_at", database.Micros(now))
	}
	u.Running, u.Waiting, u.Spent = int(running), int(waiting), time.Duration(ended+before+soFar)*time.Microsecond
	return u, err
}

// Waiting counts the builds that wait of one repository, by its full name in lower case.
func Waiting(db *gorm.DB, key string) (int, error) {
	var n int64
	err := db.Model(&builds.Row{}).Where("lower(repo) = ? AND state = 'queued'", key).Count(&n).Error
	return int(n), err
}
