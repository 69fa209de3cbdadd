package trouble

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestTroubleIsToldByItsCode(t *testing.T) {
	for code, want := range map[int]error{ // sqlite.org/rescode.html
		13: ErrDiskFull, 4874: ErrDiskFull, 10: ErrDiskFails, 778: ErrDiskFails, 5: ErrLocked, 261: ErrLocked,
		6: ErrLocked,
		8: ErrUnwritable, 264: ErrUnwritable, 14: ErrUnwritable, 1: nil, 19: nil, 2067: nil, 9: nil, 11: nil,
	} {
		if got := sqliteTrouble(code); got != want {
			t.Errorf("SQLite's %d is %v, want %v", code, got, want)
		}
	}
	for code, want := range map[string]error{ // PostgreSQL's manual, appendix A
		"53100": ErrDiskFull, "58030": ErrDiskFails, "55P03": ErrLocked, "25006": ErrUnwritable, "53300": ErrAway,
		"57P01": ErrAway, "57P03": ErrAway,
		"08006": ErrAway, "23505": nil, "40P01": nil, "42601": nil, "57014": nil,
	} {
		if got := kindOf(fmt.Errorf("write: %w", &pgconn.PgError{Code: code})); got != want {
			t.Errorf("PostgreSQL's %s is %v, want %v", code, got, want)
		}
	}
	other := errors.New("another")
	if got := Translate(other, nil); got != other {
		t.Errorf("another error became %v", got)
	}
}

func TestHolderOfALockIsReadFromTheKernelsList(t *testing.T) {
	const list = `1: POSIX  ADVISORY  READ  11 00:2d:500 128 128
2: POSIX  ADVISORY  WRITE 12 00:2d:1500 120 120
3: FLOCK  ADVISORY  WRITE 13 00:2d:500 0 EOF
4: -> POSIX  ADVISORY  WRITE 14 00:2d:500 120 120
5: POSIX  ADVISORY  WRITE 15 00:2d:500 120 120
`
	if got := writerIn(list, 500, walWriteLock, walLastLock); got != 15 {
		t.Errorf("got %d, want 15", got)
	}
	for _, inode := range []uint64{0, 501, 1} {
		if got := writerIn(list, inode, walWriteLock, walLastLock); got != 0 {
			t.Errorf("inode %d: got %d, want nobody", inode, got)
		}
	}
	if got := LockHolder(filepath.Join(t.TempDir(), "none")); got != "" {
		t.Errorf("got %q, want nobody", got)
	}
}
