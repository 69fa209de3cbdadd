// Package harness runs `vivarium serve` in a world of its own, for the demo, the
// benchmark and end-to-end tests: a git host, a package index and GitHub's API, all real
// servers on this machine, so that nothing from outside is needed.
package harness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"

	"vivarium/sandbox/egress/egresstest"
	"vivarium/server/github/githubtest"
)

// Token is the token that the world's GitHub accepts.
const Token = "ghp_harnessTokenOfNoValue0000000000000000"

// Options for NewWorld.
type Options struct {
	Host     string                  // address that git host and index listen on; empty is 127.0.0.1
	OnStatus func(githubtest.Status) // told of every commit status that GitHub accepts
}

// World is what Vivarium meets outside: a git host, a package index and GitHub's API.
type World struct {
	Host   string
	Git    *egresstest.GitHost
	Index  *egresstest.Index
	GitHub *githubtest.Server
}

// NewWorld starts the servers. The index holds what pip needs to build a project, if Debian's
// package of it is installed.
func NewWorld(o Options) (*World, error) {
	w := &World{Host: o.Host}
	if w.Host == "" {
		w.Host = "127.0.0.1"
	}
	if err := w.start(o.OnStatus); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *World) start(onStatus func(githubtest.Status)) error {
	addr := net.JoinHostPort(w.Host, "0")
	var err error
	if w.Git, err = egresstest.StartGitHost(egresstest.GitHostConfig{Addr: addr}); err != nil {
		return err
	}
	if w.Index, err = egresstest.StartIndex(egresstest.IndexConfig{Addr: addr, FilesAddr: addr}); err != nil {
		return err
	}
	if err := w.Index.AddDir(egresstest.DebianWheels); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w.GitHub, err = githubtest.Start(githubtest.Options{Token: Token, Scopes: "repo:status", OnStatus: onStatus})
	return err
}

// Commit makes a commit of files on a repository's main branch, and lets GitHub know the
// repository.
func (w *World) Commit(ctx context.Context, repo, message string, files map[string]string) (sha string, err error) {
	shas, err := w.Git.Commit(ctx, repo, egresstest.Commit{Message: message, Files: files})
	if err != nil {
		return "", fmt.Errorf("commit to %s: %w", repo, err)
	}
	w.GitHub.AddRepo(repo)
	return shas[0], nil
}

// Close stops the servers.
func (w *World) Close() error {
	var errs []error
	if w.Git != nil {
		errs = append(errs, w.Git.Close())
	}
	if w.Index != nil {
		errs = append(errs, w.Index.Close())
	}
	if w.GitHub != nil {
		errs = append(errs, w.GitHub.Close())
	}
	return errors.Join(errs...)
}
