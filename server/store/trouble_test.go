package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"vivarium/server/servertest"
)

func TestTroubleIsToldByItsCode(t *testing.T) {
	for code, want := range map[int]error{ // sqlite.org/rescode.html
		13: ErrDiskFull, 4874: ErrDiskFull, 10: ErrDiskFails, 778: ErrDiskFails, 5: ErrLocked, 261: ErrLocked, 6: ErrLocked,
		8: ErrUnwritable, 264: ErrUnwritable, 14: ErrUnwritable, 1: nil, 19: nil, 2067: nil, 9: nil, 11: nil,
	} {
		if got := sqliteTrouble(code); got != want {
			t.Errorf("SQLite's %d is %v, want %v", code, got, want)
		}
	}
	for code, want := range map[string]error{ // PostgreSQL's manual, appendix A
		"53100": ErrDiskFull, "58030": ErrDiskFails, "55P03": ErrLocked, "25006": ErrUnwritable, "53300": ErrAway, "57P01": ErrAway, "57P03": ErrAway,
		"08006": ErrAway, "23505": nil, "40P01": nil, "42601": nil, "57014": nil,
	} {
		if got := troubleOf(fmt.Errorf("write: %w", &pgconn.PgError{Code: code})); got != want {
			t.Errorf("PostgreSQL's %s is %v, want %v", code, got, want)
		}
	}
	other := errors.New("another")
	if got := translate(other, nil); got != other {
		t.Errorf("another error became %v", got)
	}
}

// TestTroubleIsTranslatedAtTheBorder: also of a statement of GORM's outside of a transaction.
func TestTroubleIsTranslatedAtTheBorder(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		s := sqliteStore(t)
		pool := s.db.(*sqliteDB).writer
		if _, err := pool.Exec("PRAGMA max_page_count = 1"); err != nil { // as small as it is now: SQLite's own "disk full"
			t.Fatal(err)
		}
		p := push(1)
		p.Message = strings.Repeat("x", 1<<20)
		_, err := s.AcceptPush(t.Context(), p)
		if !errors.Is(err, ErrDiskFull) || strings.Contains(err.Error(), "(13)") {
			t.Errorf("got %v, want ErrDiskFull in our words", err)
		}
		noted := s.db.trouble()
		if noted == nil || !errors.Is(noted.Err, ErrDiskFull) || time.Since(noted.Since) > time.Minute {
			t.Errorf("noted %+v", noted)
		}
		if _, err := pool.Exec("PRAGMA max_page_count = 1000000"); err != nil {
			t.Fatal(err)
		}
		if got := s.Writing(t.Context()); got != nil {
			t.Errorf("with room again: %v", got.Err)
		}
		accept(t, s, p)
	})
	t.Run("postgres", func(t *testing.T) {
		s := openStore(t, Options{DatabaseURL: postgresURL(t), DataDir: t.TempDir(), Log: testLog(t)})
		raise := "DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"
		if err := s.db.read(t.Context()).Exec(raise).Error; !errors.Is(err, ErrDiskFull) {
			t.Errorf("outside of a transaction: got %v, want ErrDiskFull", err)
		}
		err := s.db.transact(t.Context(), func(tx *tx) error { return tx.Exec(raise).Error })
		if noted := s.db.trouble(); !errors.Is(err, ErrDiskFull) || noted == nil {
			t.Errorf("in a transaction: got %v, noted %v", err, noted)
		}
		if got := s.Writing(t.Context()); got != nil {
			t.Errorf("it can be written to: %v", got.Err)
		}
	})
}

// TestStartOnAFullDiskSaysSo: it was "disk I/O error (4874)".
func TestStartOnAFullDiskSaysSo(t *testing.T) {
	servertest.OnSmallDisk(t, 16<<20, func(dir string) {
		s, err := Open(t.Context(), Options{DataDir: dir, Log: testLog(t)})
		must(t, err)
		must(t, s.Close())
		makeRoom := servertest.Fill(t, dir)
		_, err = Open(t.Context(), Options{DataDir: dir, Log: testLog(t)})
		if !errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), "make room in "+dir) || strings.Contains(err.Error(), "4874") {
			t.Errorf("got %v, want ErrDiskFull and where to make room", err)
		}
		makeRoom()
		accept(t, openStore(t, Options{DataDir: dir, Log: testLog(t)}), push(1))
	})
}

func TestPostgresThatIsAwaySaysSo(t *testing.T) {
	port, err := servertest.FreePort()
	must(t, err)
	_, err = Open(t.Context(), Options{DatabaseURL: fmt.Sprintf("postgres://u:geheim@127.0.0.1:%d/db", port), DataDir: t.TempDir()})
	if !errors.Is(err, ErrAway) || !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v, want ErrAway, why, and no password", err)
	}
}

// TestLockedDatabaseNamesItsHolder: another process of this very program holds the write lock.
func TestLockedDatabaseNamesItsHolder(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, Options{DataDir: dir, Log: testLog(t)})
	self, err := os.Executable()
	must(t, err)
	child := exec.Command(self)
	child.Env = append(os.Environ(), "VIVARIUM_TEST_LOCK_DIR="+dir)
	child.Stderr = t.Output()
	in, err := child.StdinPipe()
	must(t, err)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatalf("the child did not lock the database: %v", err)
	}
	err = s.Serve(t.Context(), Work{Workers: 1, Build: passing}, func() {})
	if want := fmt.Sprintf("process %d (", child.Process.Pid); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want ErrLocked by %q", err, want)
	}
	must(t, in.Close())
	must(t, child.Wait())
	serve(t, s, Work{Build: passing})
}

// lockUntilTold is the child process of that test: it writes until its standard input ends.
func lockUntilTold(dir string) {
	s, err := Open(context.Background(), Options{DataDir: dir})
	if err == nil {
		err = s.db.transact(context.Background(), func(tx *tx) error {
			fmt.Println("locked")
			_, _ = os.Stdin.Read(make([]byte, 1))
			return nil
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
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
	if got := lockHolder(filepath.Join(t.TempDir(), "none")); got != "" {
		t.Errorf("got %q, want nobody", got)
	}
}
