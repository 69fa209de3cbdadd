package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vivarium/cmd/vivarium/datadir"
	"vivarium/cmd/vivarium/dotenv"
	"vivarium/images"
	"vivarium/pipeline"
	"vivarium/sandbox"
	"vivarium/sandbox/quantity"
	"vivarium/server/github"
	"vivarium/server/store/database"
)

const (
	checkTimeout = 15 * time.Second
	// shortSecret is the least length of a secret without advice. GitHub recommends a random string
	// of high entropy; 20 random letters and digits have 119 bits.
	shortSecret = 20
	scarceSpace = 5 << 30
	noSpace     = 512 << 20
)

// environment checks this machine, apart from the engine.
func (c *checkup) environment() {
	c.dotenv()
	c.dataDir()
	c.listening()
}

// webhook checks whose deliveries would be accepted. entries is how many entries of the registry
// let something in.
func (c *checkup) webhook(entries int) {
	n, named := len(c.config.webhookSecret), len(c.config.repositories)
	switch {
	case (n == 0) != (named == 0):
		c.add(essential, "webhook", "GITHUB_WEBHOOK_SECRET and VIVARIUM_REPOSITORIES go together: set both or neither")
	case n == 0 && entries == 0:
		c.add(essential, "webhook", "no repository is let in: use `vivarium repos add OWNER/NAME`, or set "+
			"GITHUB_WEBHOOK_SECRET and VIVARIUM_REPOSITORIES")
	case n > 0 && n < shortSecret:
		c.add(advice, "webhook", "the secret has %d characters; take a random one of at least %d, such as `openssl "+
			"rand -hex 32` prints", n, shortSecret)
	default:
		c.add(fine, "webhook", "%s in the registry, %s for the shared secret",
			plural(int64(entries), "entry", "entries"), plural(int64(named), "pattern", "patterns"))
	}
}

func (c *checkup) dotenv() {
	info, err := os.Stat(dotenv.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.add(fine, dotenv.File, "none here; settings come from the environment")
	case err != nil:
		c.add(essential, dotenv.File, "%v", err)
	case info.Mode().Perm()&0o077 != 0:
		c.add(advice, dotenv.File, "others on this machine can read its secrets; run: chmod 600 %s", dotenv.File)
	default:
		c.add(fine, dotenv.File, "only its owner can read it")
	}
}

func (c *checkup) dataDir() {
	dir := c.config.dataDir
	if err := writable(dir); err != nil {
		c.add(essential, "data", "%v; set VIVARIUM_DATA_DIR to a folder that can be written", err)
		return
	}
	c.add(fine, "data", "%s can be written", dir)
	c.privacy(dir)
	free, err := freeSpace(existing(dir))
	size := quantity.Bytes(int64(free))
	switch {
	case err != nil:
		c.add(advice, "space", "cannot tell the free space of %s: %v", dir, err)
	case free < noSpace:
		c.add(essential, "space", "%s is free for the data; make room, or move VIVARIUM_DATA_DIR", size)
	case free < scarceSpace:
		c.add(advice, "space", "%s is free for the data; logs and packages need %s to be on the safe side",
			size, quantity.Bytes(scarceSpace))
	default:
		c.add(fine, "space", "%s is free for the data", size)
	}
}

// writable tries to make a file in dir, or in the nearest folder above it that exists.
func writable(dir string) error {
	f, err := os.CreateTemp(existing(dir), ".vivarium-doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// existing is the nearest existing folder from dir upwards.
func existing(dir string) string {
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			return at
		}
	}
}

func freeSpace(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}

// engine checks the Docker Engine and its images.
func (c *checkup) engine(ctx context.Context) {
	short, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	quiet := slog.New(slog.DiscardHandler)
	e, err := connectEngine(short, quiet)
	if err != nil {
		c.add(essential, "engine", "%v", err)
		return
	}
	defer e.Close()
	info := e.Info()
	c.add(fine, "engine", "Docker Engine %s, API %s, %s/%s, %d CPUs, %s memory, storage %s",
		info.Version, info.APIVersion,
		info.OS, info.Arch, info.CPUs, quantity.Bytes(info.Memory), info.Storage)
	c.isolation(info)
	c.limits(info)
	if image := c.images(short, quiet); image != "" {
		c.posture(ctx, e, image)
	} else {
		c.add(advice, "posture", "a sandbox can be looked at once there is a runner image of this version")
	}
}

func (c *checkup) isolation(info sandbox.Info) {
	c.add(fine, "cgroup", "version %s", info.CgroupVersion)
	if slices.ContainsFunc(info.Security, func(s string) bool { return strings.Contains(s, "seccomp") }) {
		c.add(fine, "security", "%s", strings.Join(info.Security, ", "))
	} else {
		c.add(essential, "security", "the engine has no seccomp: system calls of builds would not be filtered; use "+
			"a kernel and an engine with it")
	}
	name := c.config.build.Runtime
	if err := checkRuntime(name, info); err != nil {
		c.add(essential, "runtime", "%v", err)
	} else if name == "" {
		c.add(fine, "runtime", "the engine's default")
	} else {
		c.add(fine, "runtime", "%s", name)
	}
}

func (c *checkup) limits(info sandbox.Info) {
	l := settingsOf(c.config, info).Limits
	workers, err := workersOf(c.config, info, l.Limits)
	if err != nil {
		c.add(essential, "limits", "%v", err)
		return
	}
	c.add(fine, "limits", "%s at a time, each with %s memory and %s disk", plural(int64(workers), "build", "builds"),
		quantity.Bytes(l.Memory), quantity.Bytes(l.Disk))
}

// images gives the engine's ID of the default image. It is empty when the image is not there, or
// not as builds get it.
func (c *checkup) images(ctx context.Context, log *slog.Logger) (id string) {
	m, err := openImages(ctx, c.config, log)
	if err != nil {
		c.add(essential, "images", "%v", err)
		return ""
	}
	defer m.Close()
	list, err := m.List(ctx)
	if err != nil {
		c.add(essential, "images", "%v", err)
		return ""
	}
	for _, i := range list {
		if i.Name != images.Default {
			continue
		}
		switch stale, err := m.Stale(i); {
		case err != nil:
			c.add(essential, "images", "%v", err)
			return ""
		case stale:
			c.add(advice, "images", "%s holds another version's vivarium-init; the next start or build puts this "+
				"one's in its place", i.Name)
			return ""
		}
		c.add(fine, "images", "%s with Python %s, %d in all", i.Name, i.Python, len(list))
		return i.ID
	}
	c.add(advice, "images", "%s is not there yet; `vivarium images build` makes it, else the first start does",
		images.Default)
	return ""
}

// github checks the token, the public URL and, for a given commit, that statuses arrive.
func (c *checkup) github(ctx context.Context, commit string) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	c.publicURL(ctx)
	client, err := githubClient(c.config)
	if err != nil {
		c.add(essential, "token", "%v", err)
		return
	}
	defer client.Close()
	if c.config.token == "" {
		c.add(advice, "token", "set GITHUB_TOKEN: without it no commit status is sent and private repositories "+
			"cannot be read")
	} else {
		c.token(ctx, client)
	}
	if commit != "" {
		c.roundTrip(ctx, client, commit)
	}
}

func (c *checkup) token(ctx context.Context, client *github.Client) {
	info, err := client.Token(ctx)
	var refused *github.APIError
	switch {
	case errors.As(err, &refused) && refused.Code == http.StatusUnauthorized:
		c.add(essential, "token", "%v; make a new one and set GITHUB_TOKEN", err)
		return
	case err != nil:
		c.add(advice, "token", "cannot be checked now: %v; builds run, and their statuses are sent once GitHub answers",
			err)
		return
	}
	text := fmt.Sprintf("%s token of %s", info.Kind, dash(info.Login))
	if info.Expires != "" {
		text += ", valid until " + info.Expires
	}
	switch {
	case info.Kind != github.TokenClassic:
		c.add(fine, "token", "%s; GitHub does not tell what it may do: try --github OWNER/NAME@SHA", text)
	case slices.Contains(info.Scopes, "repo") || slices.Contains(info.Scopes, "repo:status"):
		c.add(fine, "token", "%s, scopes %s", text, strings.Join(info.Scopes, ", "))
	default:
		c.add(essential, "token", "%s may not set statuses: give it the scope repo:status, or repo for private "+
			"repositories", text)
	}
}

func (c *checkup) publicURL(ctx context.Context) {
	u := c.config.publicURL
	switch {
	case u == nil:
		c.add(advice, "public URL", "set VIVARIUM_PUBLIC_URL: without it statuses do not link to their builds")
	case isLocalHost(u.Hostname()):
		c.add(advice, "public URL", "%s leads others to their own machine; set VIVARIUM_PUBLIC_URL to an address "+
			"that they can reach", u)
	default:
		c.reach(ctx, u)
	}
}

func (c *checkup) reach(ctx context.Context, u *url.URL) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("healthz").String(), nil)
	if err != nil {
		c.add(advice, "public URL", "%v", err)
		return
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		c.add(advice, "public URL", "%v; is the server running, and the way to it open?", err)
		return
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		c.add(advice, "public URL", "%s answers %s; is it this server that stands there?", q.URL, r.Status)
		return
	}
	c.add(fine, "public URL", "%s answers", u)
}

func isLocalHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback() || addr.IsUnspecified()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// roundTrip sets a status and reads it back: no other check changes anything. The status has a
// context of its own, so that it never stands for a build.
func (c *checkup) roundTrip(ctx context.Context, client *github.Client, commit string) {
	repo, sha, ok := splitCommit(commit)
	if !ok {
		c.add(essential, "status", "%q is not OWNER/NAME@SHA with a full SHA", commit)
		return
	}
	st := pipeline.CommitStatus{Repo: repo, SHA: sha, Context: c.config.statusContext + "/doctor", State: "success",
		Description: "vivarium doctor could set this at " + time.Now().UTC().Format(time.RFC3339)}
	if err := client.Post(ctx, st); err != nil {
		c.add(essential, "status", "GitHub does not take a status for %s: %v", commit, err)
		return
	}
	got, err := client.Read(ctx, repo, sha, st.Context)
	switch {
	case err != nil:
		c.add(essential, "status", "a status was set but cannot be read back: %v", err)
	case got.State != st.State || got.Description != st.Description:
		c.add(essential, "status", "a status was set, but GitHub shows another: %s, %s",
			dash(got.State), dash(got.Description))
	default:
		c.add(fine, "status", "set on %s and read back, as %s", commit, st.Context)
	}
}

// undelivered looks for statuses that GitHub refuses, or that the server gave up.
func (c *checkup) undelivered(ctx context.Context) {
	if c.config.databaseURL == "" && !hasDatabase(c.config) {
		c.webhook(0)
		c.add(fine, "database", "there is none yet; the first start makes it")
		return
	}
	s, err := openStore(ctx, c.config, database.Keep, slog.New(slog.DiscardHandler))
	if older, ok := errors.AsType[*database.OlderError](err); ok { // the server migrates it when it starts
		c.add(advice, "database", "%v", older)
		return
	}
	if err != nil {
		c.add(essential, "database", "%v", err)
		return
	}
	defer s.Close()
	entries, err := s.Entries.List(ctx)
	if err != nil {
		c.add(essential, "database", "%v", err)
		return
	}
	c.webhook(letIn(entries))
	lost, err := s.Outbox.Undelivered(ctx)
	switch {
	case err != nil:
		c.add(essential, "database", "%v", err)
	case lost != nil:
		c.add(advice, "database", "build %d: %s; `vivarium builds show %d` tells more",
			lost.BuildID, lost.Delivery().Text(time.Now()), lost.BuildID)
	default:
		c.add(fine, "database", "no status waits for GitHub, and none was given up in the last day")
	}
}

// privacy checks that nobody else can enter the data folder.
func (c *checkup) privacy(dir string) {
	open, ours, err := datadir.Look(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist): // it will be made for its owner only
	case err != nil:
		c.add(essential, "data", "%v; %s", err, datadir.CloseHint(dir))
	case open && ours:
		c.add(advice, "data", "other users of this machine may enter %s, read it, and stop every write; the next "+
			"start closes it, or run: chmod 700 %s", dir, dir)
	case open:
		c.add(essential, "data", "other users of this machine may enter %s, and it holds more than Vivarium's "+
			"files; %s", dir, datadir.CloseHint(dir))
	}
}
