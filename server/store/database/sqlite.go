package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"vivarium/server/store/database/bell"
	"vivarium/server/store/database/trouble"
)

// sqliteDB is the embedded database: one connection that writes, shared by GORM and River, and
// a few that only read.
//
// SQLite has one writer at a time whatever the pool. With one connection the writers queue up
// in the process, where the next one goes on at once; several would find each other's lock and
// sleep in busy_timeout's steps of up to 100 ms. The readers never wait for it: in WAL mode they see the
// last commit.
type sqliteDB struct {
	dir     string
	log     *slog.Logger
	writer  *sql.DB
	reader  *sql.DB
	writing *gorm.DB
	reading *gorm.DB
	inserts *river.Client[*sql.Tx]
	bell    *bell.Bell
	trouble.Noted
}

const (
	sqliteFile = "vivarium.db"
	backupDir  = "backups" // of the copies made before migrations
	// sqliteReaders bounds the pages that are served at once; each holds about 2 MB of page cache.
	sqliteReaders = 8
	// sqlitePage is the size of a page, the least that is written.
	sqlitePage = 4096
)

func openSQLite(ctx context.Context, dir string, log *slog.Logger) (_ *sqliteDB, err error) {
	if dir == "" {
		return nil, errors.New("open the database: no data directory is set; set VIVARIUM_DATA_DIR")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	d := &sqliteDB{dir: dir, log: log, bell: bell.New()}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	path := filepath.Join(dir, sqliteFile)
	if err := keepPrivate(path); err != nil {
		return nil, err
	}
	if d.writer, d.writing, err = d.connect(ctx, path, 1, false); err != nil {
		return nil, err
	}
	if d.reader, d.reading, err = d.connect(ctx, path, sqliteReaders, true); err != nil {
		return nil, err
	}
	d.inserts, err = river.NewClient(bell.NewDriver(d.writer, d.bell), &river.Config{Logger: riverLog(log)})
	return d, err
}

// keepPrivate makes the database's file before SQLite does, whose own is for all to read, and takes
// others' rights to those that are there. The log of builds may quote what the repository's people
// would not show to every user of the machine; and who can read vivarium.db-shm can lock it, which
// stops every write. SQLite gives the other two files the rights of the first.
func keepPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the database: %w", err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().Perm()&0o077 == 0 {
			continue
		}
		if err == nil {
			err = os.Chmod(name, 0o600)
		}
		if err != nil {
			return fmt.Errorf(
				"keep the database from other users of this machine: %w; as the file's owner, run: chmod 600 %s", err, name,
			)
		}
	}
	return nil
}

func (d *sqliteDB) connect(ctx context.Context, path string, conns int, readOnly bool) (*sql.DB, *gorm.DB, error) {
	pool, err := sql.Open("sqlite", sqliteDSN(path, readOnly))
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", path, err)
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	if err := pool.PingContext(ctx); err != nil {
		return pool, nil, fmt.Errorf("open %s: %w", path, d.translate(err))
	}
	dialector := &sqlite.Dialector{DriverName: "sqlite", Conn: pool}
	g, err := gorm.Open(translating{dialector, dialector, d.translate}, gormConfig())
	if err != nil {
		return pool, nil, fmt.Errorf("open %s: %w", path, d.translate(err))
	}
	return pool, g, nil
}

func sqliteDSN(path string, readOnly bool) string {
	q := url.Values{
		"_time_format": {"sqlite"},
		"_txlock":      {"immediate"},
		"_pragma": {
			"busy_timeout(10000)", // first: the others may wait for a lock
			"journal_mode(WAL)",
			"synchronous(FULL)", // an answered webhook survives a power cut
			"foreign_keys(1)",
			"secure_delete(FAST)", // what a page held of a row is overwritten, where the page is written anyway
		},
	}
	if readOnly {
		q.Set("_txlock", "deferred")
		q.Add("_pragma", "query_only(1)")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func (d *sqliteDB) transact(ctx context.Context, fn func(tx *Tx) error) error {
	var queues []string // that got jobs
	err := d.writing.WithContext(ctx).Transaction(func(g *gorm.DB) error {
		t, ok := g.Statement.ConnPool.(*sql.Tx)
		if !ok {
			return fmt.Errorf("begin a transaction: GORM's is a %T, not a *sql.Tx", g.Statement.ConnPool)
		}
		jobs := jobsIn[*riversqlite.Driver, *sql.Tx]{client: d.inserts, tx: t, now: time.Now, queues: &queues}
		return fn(&Tx{DB: g, Jobs: jobs})
	})
	if err != nil {
		return d.Note(d.translate(err), time.Now())
	}
	d.bell.Ring(queues...)
	return nil
}

// translate words trouble for the operator of the data folder.
func (d *sqliteDB) translate(err error) error {
	return trouble.Translate(err, func(kind, err error) (string, error) {
		if errors.Is(kind, trouble.ErrDiskFails) && trouble.Space(d.dir) < sqlitePage {
			kind = trouble.ErrDiskFull
		}
		switch {
		case errors.Is(kind, trouble.ErrDiskFull):
			return "make room in " + d.dir, kind
		case errors.Is(kind, trouble.ErrLocked):
			return trouble.LockHolder(filepath.Join(d.dir, sqliteFile)), kind
		case errors.Is(kind, trouble.ErrUnwritable):
			return fmt.Sprintf("%s and the files in it must belong to the server's user: %v", d.dir, err), kind
		}
		return err.Error(), kind
	})
}

func (d *sqliteDB) read(ctx context.Context) *gorm.DB { return d.reading.WithContext(ctx) }

func (d *sqliteDB) client(c *river.Config) (Client, error) {
	return river.NewClient(bell.NewDriver(d.writer, d.bell), c)
}

func (d *sqliteDB) exclusive() bool { return true }

// alone has nothing to do: SQLite has one writer at a time.
func (d *sqliteDB) alone(*Tx, int64) error { return nil }

func (d *sqliteDB) migrateQueue(ctx context.Context, version int) error {
	return migrateRiver(ctx, riversqlite.New(d.writer), version, d.log)
}

func (d *sqliteDB) dialect() dialect {
	// AUTOINCREMENT: a build's id, which people quote, is never given twice.
	return dialect{
		id: "integer PRIMARY KEY AUTOINCREMENT", bytes: "blob",
		clock:     "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
		jobNumber: func(name string) string { return "json_extract(args, '$." + name + "')" },
		jobErrors: "coalesce(json(errors), '')",
		of:        func(m migration) []string { return m.sqlite },
	}
}

// copyBefore writes the copy with VACUUM INTO, which sees one committed state whoever else has the file open.
func (d *sqliteDB) copyBefore(ctx context.Context, step string) error {
	dir := filepath.Join(d.dir, backupDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("copy the database before its migration: %w", err)
	}
	path := filepath.Join(dir, fmt.Sprintf("vivarium-%s-%s.db", step, time.Now().UTC().Format("20060102T150405.000Z")))
	if err := d.writing.WithContext(ctx).Exec("VACUUM INTO ?", path).Error; err != nil {
		return fmt.Errorf("copy the database before its migration: %w", err)
	}
	d.log.Info("copied the database before its migration", "path", path)
	return os.Chmod(path, 0o600)
}

func (d *sqliteDB) only(ctx context.Context) (func() error, error) {
	l := flock.New(filepath.Join(d.dir, "migrate.lock"))
	if _, err := l.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		return nil, fmt.Errorf("wait for another process to migrate the database: %w", err)
	}
	return l.Unlock, nil
}

// fetch: the bell tells of new jobs; the poll is for one that it did not ring for, which is not known to happen.
func (d *sqliteDB) fetch(c *river.Config) {
	c.FetchCooldown = fetchCooldown
	c.FetchPollInterval = 30 * time.Second
}

// announce finds the jobs that other processes put in, and those whose time has come. It asks an
// index whether there are any: a look of River's own, which would take them, costs many times as
// much.
func (d *sqliteDB) announce(ctx context.Context, queues []string) error {
	for _, queue := range queues {
		var waiting bool
		if err := d.reader.QueryRowContext(ctx, waitingJob, queue).Scan(&waiting); err != nil {
			return err
		}
		if waiting {
			d.bell.Ring(queue)
		}
	}
	return nil
}

// waitingJob asks of a queue whether it has a job.
const waitingJob = "SELECT EXISTS (SELECT 1 FROM river_job WHERE state = 'available' AND queue = ?)"

func (d *sqliteDB) close() error {
	var errs []error
	for _, pool := range []*sql.DB{d.reader, d.writer} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}
