// Package trouble names what keeps a database from its work though nothing is wrong with the
// program: what it is, by the drivers' codes, since when, and who causes it.
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

// What can keep a database from its work though nothing is wrong with the program. It passes, or an
// operator mends it; what failed may then be done again. The texts go to strangers too, so they
// name no path.
var (
	ErrDiskFull   = errors.New("the disk of the database is full")
	ErrDiskFails  = errors.New("the disk of the database fails")
	ErrLocked     = errors.New("the database is locked by another program")
	ErrUnwritable = errors.New("the database cannot be written")
	ErrAway       = errors.New("the database does not answer")
)

// Error is one of these, as it was met.
type Error struct {
	Kind   error  // one of the above
	Detail string // for the operator: what to do, or who causes it; may be empty
	Err    error  // the driver's own error
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Kind.Error()
	}
	return e.Kind.Error() + ": " + e.Detail
}

// Words are those words of an error that a build's log may quote. Of trouble that is its kind
// alone, since the rest is for the operator.
func Words(err error) string {
	if t, ok := errors.AsType[*Error](err); ok {
		return t.Kind.Error()
	}
	return err.Error()
}

// Unwrap lets callers ask for the kind and for the driver's error.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Err} }

// kindOf recognizes trouble of the database by its codes; nil for everything else.
func kindOf(err error) error {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return sqliteTrouble(e.Code())
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return postgresTrouble(e.Code)
	}
	_, refused := errors.AsType[*pgconn.ConnectError](err)
	_, broken := errors.AsType[*net.OpError](err)
	if refused || broken || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) {
		return ErrAway
	}
	return nil
}

// sqliteTrouble goes by SQLite's result codes (sqlite.org/rescode.html). What is no I/O error is
// recognized by its primary code, the low byte.
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

// postgresTrouble goes by PostgreSQL's error codes (its manual, appendix A).
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
	case "53200", "53300", "57P01", "57P02", "57P03":
		// out_of_memory, too_many_connections; shutting down, crashed, starting
		return ErrAway
	}
	if strings.HasPrefix(code, "08") { // connection exceptions
		return ErrAway
	}
	return nil
}

// Translate turns a driver's error into one that the rest of the program knows. detail returns what
// an operator needs to know, and the kind, which it may know better; it may be nil.
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

// Noted is the trouble that the latest transactions met.
type Noted struct {
	mu   sync.Mutex
	last *Trouble
}

// Note keeps err until Clear if it is trouble, and always returns it.
func (n *Noted) Note(err error, now time.Time) error {
	if _, ok := errors.AsType[*Error](err); ok {
		n.Keep(err, now)
	}
	return err
}

// Keep keeps an error until Clear. Since stays that of the first one.
func (n *Noted) Keep(err error, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if t, ok := errors.AsType[*Error](err); ok {
		err = t // without the words for what was being done
	}
	if n.last == nil {
		n.last = &Trouble{Since: now}
	}
	n.last.Err = err
}

// Clear forgets the trouble.
func (n *Noted) Clear() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = nil
}

// Trouble is what is noted; nil when nothing is.
func (n *Noted) Trouble() *Trouble {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last == nil {
		return nil
	}
	t := *n.last
	return &t
}
