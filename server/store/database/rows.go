package database

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Micros is how times are kept: microseconds since 1970, the same on both databases, 0 for the zero time.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// FromMicros is the time that Micros has given.
func FromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// One turns the result of a conditional update into an error: miss when no row met the condition.
func One(r *gorm.DB, miss error) error {
	if r.Error != nil {
		return r.Error
	}
	if r.RowsAffected == 0 {
		return miss
	}
	return nil
}

// IsDuplicate reports whether err is the violation of a unique key.
func IsDuplicate(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505" // unique_violation
	}
	return false
}

// IsDeadlock reports whether PostgreSQL has ended the transaction since it and another waited for
// each other. SQLite has one writer at a time.
func IsDeadlock(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "40P01" // deadlock_detected
}

// TryAgain calls fn until it has no error that passes, but no more than so many times.
func TryAgain(times int, passing func(error) bool, fn func() error) error {
	for try := 1; ; try++ {
		if err := fn(); !passing(err) || try == times {
			return err
		}
	}
}
