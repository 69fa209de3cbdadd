package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	"vivarium/images"
	"vivarium/pipeline"
	"vivarium/sandbox"
	"vivarium/sandbox/egress"
)

// workshop is all that builds need on this machine: the engine, the runner images and the package
// index.
type workshop struct {
	config   config
	engine   *sandbox.Engine
	images   *images.Manager
	index    *egress.Index
	settings pipeline.Settings
	workers  int    // builds at a time
	image    string // the runner image to begin with
	log      *slog.Logger
}

// openWorkshop connects to the engine and checks that it can provide what the settings ask for.
func openWorkshop(ctx context.Context, c config, cacheDir string, log *slog.Logger) (*workshop, error) {
	w := &workshop{config: c, image: images.Default, log: log}
	if err := w.open(ctx, cacheDir); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (w *workshop) open(ctx context.Context, cacheDir string) (err error) {
	if w.engine, err = connectEngine(ctx, w.log); err != nil {
		return err
	}
	if err := checkRuntime(w.config.build.Runtime, w.engine.Info()); err != nil {
		return err
	}
	w.settings = settingsOf(w.config, w.engine.Info())
	if w.workers, err = workersOf(w.config, w.engine.Info(), w.settings.Limits.Limits); err != nil {
		return err
	}
	if w.images, err = openImages(ctx, w.config, w.log); err != nil {
		return err
	}
	w.index, err = egress.NewIndex(egress.IndexConfig{Upstream: w.config.indexURL, CacheDir: cacheDir,
		Allow: w.config.indexAllow})
	if err != nil {
		return fmt.Errorf("cannot use the package index %s: %w", w.config.indexURL, err)
	}
	return nil
}

// Close releases the connections; it may be called on a workshop that is half open.
func (w *workshop) Close() error {
	var errs []error
	if w.images != nil {
		errs = append(errs, w.images.Close())
	}
	if w.engine != nil {
		errs = append(errs, w.engine.Close())
	}
	return errors.Join(errs...)
}

func openImages(ctx context.Context, c config, log *slog.Logger) (*images.Manager, error) {
	m, err := images.Open(ctx, images.Options{InitDir: c.initDir, IndexURL: c.indexURL.String(), Runners: c.runners,
		Log: log})
	if err != nil {
		return nil, fmt.Errorf("cannot open the runner images: %w", err)
	}
	return m, nil
}

func connectEngine(ctx context.Context, log *slog.Logger) (*sandbox.Engine, error) {
	e, err := sandbox.Connect(ctx, log)
	if err != nil {
		return nil, unreachable(err)
	}
	return e, nil
}

// unreachable says what to do about an engine that cannot be reached. It does not say "start it"
// when the engine runs.
func unreachable(err error) error {
	advice := "start it, or set DOCKER_HOST to where it is"
	if errors.Is(err, fs.ErrPermission) {
		advice = "join the group of its socket (usermod -aG docker USER, and log in anew; in a container of " +
			"compose.yaml's, set DOCKER_GID)"
	}
	return fmt.Errorf("cannot reach the Docker Engine: %w; %s", err, advice)
}

// checkRuntime refuses a runtime that the engine lacks: builds would be less isolated than the
// operator believes.
func checkRuntime(name string, info sandbox.Info) error {
	if name == "" || slices.Contains(info.Runtimes, name) {
		return nil
	}
	return fmt.Errorf("cannot use VIVARIUM_RUNTIME=%q: the engine has only %s; install it there, or unset it",
		name, strings.Join(slices.Sorted(slices.Values(info.Runtimes)), ", "))
}

func (w *workshop) runner(instance string) *pipeline.Runner {
	return &pipeline.Runner{Engine: w.engine, Images: w.images, Index: w.index, Instance: instance}
}

func (w *workshop) request(src titledSource) pipeline.Request {
	return pipeline.Request{
		Source:    src.Source,
		Image:     w.image,
		Settings:  w.settings,
		Title:     src.title,
		Variables: w.variablesOf(src),
	}
}

// secretsOf are the values that no log may hold.
func secretsOf(c config) []string {
	secrets := []string{
		string(c.token), string(c.webhookSecret), string(c.githubApp.Secret), string(c.key), string(c.notifySecret),
		c.smtp.Password,
	}
	for _, t := range c.notify {
		secrets = append(secrets, t.URL, t.Token)
	}
	if u, err := url.Parse(string(c.databaseURL)); err == nil {
		password, _ := u.User.Password()
		// libpq accepts any of them
		secrets = append(secrets, password, u.Query().Get("password"), u.Query().Get("sslpassword"))
	}
	return slices.DeleteFunc(secrets, func(s string) bool { return s == "" })
}
