package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"vivarium/server/servertest"
	"vivarium/server/store/database/trouble"
	"vivarium/server/store/storetest"
)

// TestTroubleIsTranslatedAtTheBorder: also of a statement of GORM's outside of a transaction.
func TestTroubleIsTranslatedAtTheBorder(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		d := openDB(t, Options{DataDir: t.TempDir(), Log: storetest.Log(t)})
		pool := d.engine.(*sqliteDB).writer
		if _, err := pool.Exec("PRAGMA max_page_count = 1"); err != nil { // as small as it is now: SQLite's own "disk full"
			t.Fatal(err)
		}
		large := func(tx *Tx) error {
			return tx.Exec("INSERT INTO refusals VALUES (?, 1, 2, 3)", strings.Repeat("x", 1<<20)).Error
		}
		err := d.Transact(t.Context(), large)
		if !errors.Is(err, trouble.ErrDiskFull) || strings.Contains(err.Error(), "(13)") {
			t.Errorf("got %v, want trouble.ErrDiskFull in our words", err)
		}
		noted := d.engine.Trouble()
		if noted == nil || !errors.Is(noted.Err, trouble.ErrDiskFull) || time.Since(noted.Since) > time.Minute {
			t.Errorf("noted %+v", noted)
		}
		if _, err := pool.Exec("PRAGMA max_page_count = 1000000"); err != nil {
			t.Fatal(err)
		}
		if got := d.Health().Writing(t.Context()); got != nil {
			t.Errorf("with room again: %v", got.Err)
		}
		must(t, d.Transact(t.Context(), large))
	})
	t.Run("postgres", func(t *testing.T) {
		d := openDB(t, Options{DatabaseURL: storetest.PostgresURL(t), DataDir: t.TempDir(), Log: storetest.Log(t)})
		raise := "DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"
		if err := d.Read(t.Context()).Exec(raise).Error; !errors.Is(err, trouble.ErrDiskFull) {
			t.Errorf("outside of a transaction: got %v, want trouble.ErrDiskFull", err)
		}
		err := d.Transact(t.Context(), func(tx *Tx) error { return tx.Exec(raise).Error })
		if noted := d.engine.Trouble(); !errors.Is(err, trouble.ErrDiskFull) || noted == nil {
			t.Errorf("in a transaction: got %v, noted %v", err, noted)
		}
		if got := d.Health().Writing(t.Context()); got != nil {
			t.Errorf("it can be written to: %v", got.Err)
		}
	})
}

// TestStartOnAFullDiskSaysSo: it was "disk I/O error (4874)".
func TestStartOnAFullDiskSaysSo(t *testing.T) {
	servertest.OnSmallDisk(t, 16<<20, func(dir string) {
		d, err := Open(t.Context(), Options{DataDir: dir, Log: storetest.Log(t)})
		must(t, err)
		must(t, d.Close())
		makeRoom := servertest.Fill(t, dir)
		_, err = Open(t.Context(), Options{DataDir: dir, Log: storetest.Log(t)})
		if !errors.Is(err, trouble.ErrDiskFull) || !strings.Contains(err.Error(), "make room in "+dir) ||
			strings.Contains(err.Error(), "4874") {
			t.Errorf("got %v, want trouble.ErrDiskFull and where to make room", err)
		}
		makeRoom()
		must(t, openDB(t, Options{DataDir: dir, Log: storetest.Log(t)}).tryWriting(t.Context()))
	})
}

func TestPostgresThatIsAwaySaysSo(t *testing.T) {
	port, err := servertest.FreePort()
	must(t, err)
	_, err = Open(
		t.Context(),
		Options{DatabaseURL: fmt.Sprintf("postgres://u:geheim@127.0.0.1:%d/db", port), DataDir: t.TempDir()},
	)
	if !errors.Is(err, trouble.ErrAway) || !strings.Contains(err.Error(), "connection refused") ||
		strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v, want trouble.ErrAway, why, and no password", err)
	}
}

// TestLockedDatabaseNamesItsHolder: another process of this very program holds the write lock.
func TestLockedDatabaseNamesItsHolder(t *testing.T) {
	dir := t.TempDir()
	d := openDB(t, Options{DataDir: dir, Log: storetest.Log(t)})
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
	err = d.tryWriting(t.Context())
	if want := fmt.Sprintf("process %d (", child.Process.Pid); !errors.Is(err, trouble.ErrLocked) ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want trouble.ErrLocked by %q", err, want)
	}
	must(t, in.Close())
	must(t, child.Wait())
	must(t, d.tryWriting(t.Context()))
}

// lockUntilTold is the child process of that test: it writes until its standard input ends.
func lockUntilTold(dir string) {
	d, err := Open(context.Background(), Options{DataDir: dir})
	if err == nil {
		err = d.Transact(context.Background(), func(tx *Tx) error {
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
