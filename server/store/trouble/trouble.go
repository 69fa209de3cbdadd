// Package trouble tells what keeps a database from its work without anybody's fault in the program: by the drivers' codes, since when,
// and by whom.
package trouble

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What can keep a database from its work without anybody's fault here. It passes, or an operator mends it: what met it may be
// done again. The texts go to strangers too, and name no place.
var (
	ErrDiskFull   = errors.New("the disk of the database is full")
	ErrDiskFails  = errors.New("the disk of the database fails")
	ErrLocked     = errors.New("the database is locked by another program")
	ErrUnwritable = errors.New("the database cannot be written")
	ErrAway       = errors.New("the database does not answer")
)

// Error is one of those, met.
type Error struct {
	Kind   error  // one of the above
	Detail string // for the operator: what to do, or who; may be empty
	Err    error  // as the driver said it
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Kind.Error()
	}
	return e.Kind.Error() + ": " + e.Detail
}

// Words are those of an error that a build's log may quote: of trouble its kind alone, since the rest is the operator's.
func Words(err error) string {
	if t, ok := errors.AsType[*Error](err); ok {
		return t.Kind.Error()
	}
	return err.Error()
}

// Unwrap lets callers ask for the kind and for the driver's error.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Err} }

// kindOf tells trouble of the database by its codes; nil for everything else.
func kindOf(err error) error {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return sqliteTrouble(e.Code())
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return postgresTrouble(e.Code)
	}
	_, refused := errors.AsType[*pgconn.ConnectError](err)
	_, broken := errors.AsType[*net.OpError](err)
	if refused || broken || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return ErrAway
	}
	return nil
}

// sqliteTrouble is by SQLite's result codes (sqlite.org/rescode.html). What is no I/O error is told by its primary code, the low byte.
func sqliteTrouble(code int) error {
	switch code {
	case sqlite3.SQLITE_IOERR_SHMSIZE: // the shared memory of the write-ahead log is a file, which has no room to grow
		return ErrDiskFull
	}
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return ErrDiskFull
	case sqlite3.SQLITE_IOERR:
		return ErrDiskFails
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ErrLocked
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return ErrUnwritable
	}
	return nil
}

// postgresTrouble is by PostgreSQL's error codes (its manual, appendix A).
func postgresTrouble(code string) error {
	switch code {
	case "53100": // disk_full
		return ErrDiskFull
	case "58030": // io_error
		return ErrDiskFails
	case "55P03": // lock_not_available
		return ErrLocked
	case "25006": // read_only_sql_transaction: a standby, or an operator's setting
		return ErrUnwritable
	case "53200", "53300", "57P01", "57P02", "57P03": // out_of_memory, too_many_connections; shutting down, crashed, starting
		return ErrAway
	}
	if strings.HasPrefix(code, "08") { // connection exceptions
		return ErrAway
	}
	return nil
}

// Translate is err as the rest of the program knows it. detail words what an operator needs and gives the kind, which it may know better; it may be nil.
func Translate(err error, detail func(kind, err error) (string, error)) error {
	if err == nil {
		return nil
	}
	if _, done := errors.AsType[*Error](err); done {
		return err
	}
	kind := kindOf(err)
	if kind == nil {
		return err
	}
	t := &Error{Kind: kind, Err: err}
	if detail != nil {
		t.Detail, t.Kind = detail(kind, err)
	}
	return t
}

// Trouble is what keeps the database from its work, and since when.
type Trouble struct {
	Err   error
	Since time.Time
}

// Noted is the trouble that the last transactions met.
type Noted struct {
	mu   sync.Mutex
	last *Trouble
}

// Note keeps trouble, and no other error, until Clear. It gives err.
func (n *Noted) Note(err error, now time.Time) error {
	if _, ok := errors.AsType[*Error](err); ok {
		n.Keep(err, now)
	}
	return err
}

// Keep keeps an error until Clear: since when is that of the first.
func (n *Noted) Keep(err error, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if t, ok := errors.AsType[*Error](err); ok {
		err = t // without what was being done when it was met
	}
	if n.last == nil {
		n.last = &Trouble{Since: now}
	}
	n.last.Err = err
}

// Clear forgets it.
func (n *Noted) Clear() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = nil
}

// Trouble is what is noted; nil: nothing.
func (n *Noted) Trouble() *Trouble {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last == nil {
		return nil
	}
	t := *n.last
	return &t
}
