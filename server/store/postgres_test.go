package store

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresBin is where Debian keeps the server's programs, below a folder named after the version.
var postgresBin = func() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well-formed
	if len(found) == 0 {
		return "/usr/lib/postgresql/bin"
	}
	return filepath.Dir(found[len(found)-1])
}()

// cluster is the PostgreSQL server of this test run. It is started by the first test that needs it.
var cluster testCluster

type testCluster struct {
	once      sync.Once
	dir       string
	server    *exec.Cmd
	err       error
	databases atomic.Int64
}

// postgresURL gives a test a database of its own.
func postgresURL(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(postgresBin, "initdb")); err != nil {
		if os.Getenv("VIVARIUM_REQUIRE_POSTGRES") == "1" {
			t.Fatalf("PostgreSQL is required and absent: %v", err)
		}
		t.Skipf("no PostgreSQL here: %v", err)
	}
	cluster.once.Do(func() { cluster.err = cluster.start() })
	if cluster.err != nil {
		t.Fatalf("start PostgreSQL: %v", cluster.err)
	}
	name := fmt.Sprintf("test_%d", cluster.databases.Add(1))
	conn, err := pgx.Connect(t.Context(), cluster.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return cluster.url(name)
}

func (c *testCluster) url(database string) string {
	return "postgres:///" + database + "?user=vivarium&host=" + url.QueryEscape(c.dir)
}

// start makes a cluster that listens on a socket in its own directory only. PostgreSQL does
// not run as root, so root runs it as somebody else.
func (c *testCluster) start() error {
	dir, err := os.MkdirTemp("", "vivarium-postgres-")
	if err != nil {
		return err
	}
	c.dir = dir
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() == 0 {
		uid, gid, err := unprivileged()
		if err != nil {
			return err
		}
		if err := os.Chown(dir, uid, gid); err != nil {
			return err
		}
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(postgresBin, "initdb"), "-D", data, "-U", "vivarium", "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8")
	initdb.SysProcAttr = attr
	initdb.Dir = dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	c.server = exec.Command(filepath.Join(postgresBin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200")
	c.server.SysProcAttr = attr
	c.server.Dir = dir
	if err := c.server.Start(); err != nil {
		return err
	}
	return c.answers()
}

func (c *testCluster) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.url("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		if ctx.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func unprivileged() (uid, gid int, err error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return 0, 0, err
		}
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, err
	}
	gid, err = strconv.Atoi(u.Gid)
	return uid, gid, err
}

func (c *testCluster) stop() {
	if c.server != nil && c.server.Process != nil {
		c.server.Process.Signal(syscall.SIGQUIT)
		c.server.Wait()
	}
	if c.dir != "" {
		os.RemoveAll(c.dir)
	}
}
