// Package storetest starts a PostgreSQL server for tests, on a socket in a directory of its own.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrAbsent says that PostgreSQL's programs are not installed.
var ErrAbsent = errors.New("there is no PostgreSQL here: scripts/setup postgres installs it")

// Postgres is a running server. It ends with this process at the latest.
type Postgres struct {
	dir       string
	server    *exec.Cmd
	databases atomic.Int64
}

// Start makes a cluster, starts it, and waits at most this long until it answers.
func Start(wait time.Duration) (*Postgres, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // where Debian has it, below the version
	if err != nil || len(found) == 0 {
		return nil, ErrAbsent
	}
	p := &Postgres{}
	if p.dir, err = os.MkdirTemp("", "vivarium-postgres-"); err != nil {
		return nil, err
	}
	if err := p.start(wait, filepath.Dir(found[len(found)-1])); err != nil {
		p.Close()
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return p, nil
}

func (p *Postgres) start(wait time.Duration, bin string) error {
	attr, err := p.attributes()
	if err != nil {
		return err
	}
	program := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(bin, name), append([]string{"-D", filepath.Join(p.dir, "data")}, args...)...)
		c.SysProcAttr, c.Dir = attr, p.dir
		return c
	}
	if out, err := program("initdb", "-U", "vivarium", "-A", "trust", "--no-sync", "--no-locale",
		"-E", "UTF8").CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	server := program("postgres", "-k", p.dir, "-c", "listen_addresses=", "-c", "fsync=off",
		"-c", "max_connections=200")
	if err := server.Start(); err != nil {
		return err
	}
	p.server = server
	return p.answers(wait)
}

// attributes make root run PostgreSQL's programs as another user: PostgreSQL does not run as root.
func (p *Postgres) attributes() (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() != 0 {
		return attr, nil
	}
	uid, gid, err := unprivileged()
	if err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, os.Chown(p.dir, uid, gid)
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

func (p *Postgres) answers(wait time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, p.url("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		if ctx.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (p *Postgres) url(database string) string {
	return "postgres:///" + database + "?user=vivarium&host=" + url.QueryEscape(p.dir)
}

// Database makes a new database and returns its address.
func (p *Postgres) Database(ctx context.Context) (address string, err error) {
	name := fmt.Sprintf("test_%d", p.databases.Add(1))
	conn, err := pgx.Connect(ctx, p.url("postgres"))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return p.url(name), nil
}

// Close ends the server and removes its directory.
func (p *Postgres) Close() {
	if p.server != nil {
		_ = p.server.Process.Signal(syscall.SIGQUIT)
		_ = p.server.Wait() // it was told to quit
	}
	_ = os.RemoveAll(p.dir)
}
