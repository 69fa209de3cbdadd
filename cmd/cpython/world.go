package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"

	"vivarium/images"
	"vivarium/sandbox"
)

// world is what both sides are started from.
type world struct {
	suite  string
	engine *sandbox.Engine
	image  string
}

// runners is a name of its own for the image, so that the operator's images stay as they are.
const runners = "vivarium-test/cpython"

func newWorld(ctx context.Context, suite string) (*world, error) {
	m, err := images.Open(ctx, images.Options{InitDir: os.Getenv("VIVARIUM_INIT_DIR"), Runners: runners})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	image, err := m.Ensure(ctx, images.Default, os.Stdout)
	if err != nil {
		return nil, err
	}
	engine, err := sandbox.Connect(ctx, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return nil, err
	}
	fmt.Printf("image %s with Python %s, Docker Engine %s\n", image.Name, image.Python, engine.Info().Version)
	return &world{suite: suite, engine: engine, image: image.ID}, nil
}

func (w *world) close() error { return w.engine.Close() }

// maxAgain bounds how many tests are tried again: where more differ, it is not chance.
const maxAgain = 20

// module runs one module on both sides. A test that differs runs again alone, and counts only if it
// differs again: some of CPython's tests depend on timing.
func (w *world) module(ctx context.Context, name string) (verdict, error) {
	ours, theirs, err := w.both(ctx, name)
	if err != nil {
		return verdict{}, err
	}
	again := differing(ours, theirs, refused)
	if len(again) > maxAgain {
		again = nil
	}
	for _, id := range again {
		if strings.Contains(id, " ") {
			continue // the set-up of a module or class, which cannot be run by name
		}
		fmt.Printf("%s: %s in the sandbox, %s outside; once more, alone\n%s", id, ours[id], theirs[id],
			indent(ours[id].Detail))
		o, t, err := w.both(ctx, id)
		if err != nil {
			return verdict{}, err
		}
		ours[id], theirs[id] = o[id], t[id]
	}
	return judge(name, ours, theirs, refused), nil
}

// both runs tests on both sides at the same time, so that both meet the same load.
func (w *world) both(ctx context.Context, name string) (ours, theirs results, err error) {
	var both sync.WaitGroup
	var ourErr, theirErr error
	both.Go(func() {
		s, err := startSandbox(ctx, w.engine, w.image)
		if err != nil {
			ourErr = err
			return
		}
		ours, ourErr = w.tests(ctx, s, name)
	})
	both.Go(func() {
		p, err := startPlain(ctx, w.image)
		if err != nil {
			theirErr = err
			return
		}
		theirs, theirErr = w.tests(ctx, p, name)
	})
	both.Wait()
	if ourErr != nil {
		ourErr = fmt.Errorf("in the sandbox: %w", ourErr)
	}
	if theirErr != nil {
		theirErr = fmt.Errorf("in the plain container: %w", theirErr)
	}
	return ours, theirs, errors.Join(ourErr, theirErr)
}

const (
	resultsFile = sandbox.Tmp + "/results"
	python      = sandbox.Env + "/bin/python"
	// timeout is for one module; the slowest take two minutes on an idle machine.
	timeout = "20m"
)

// prepareScript adds the tests that Debian keeps in Python's own package, and makes an environment
// as builds have one. Some tests start a Python that ignores PYTHONPATH. It still reads the
// environment's .pth files.
const prepareScript = `
cp -rn "$(python3 -Ic 'import test; print(test.__path__[0])')/." test
python3 -m venv --without-pip ` + sandbox.Env + `
cd ` + sandbox.Env + `/lib/python3*/site-packages
echo 'import sys; sys.path.insert(0, "` + sandbox.Workspace + `")' >cpython.pth
`

// prepare puts the tests into a place.
func (w *world) prepare(ctx context.Context, p place) error {
	if err := p.put(ctx, w.suite); err != nil {
		return err
	}
	var log bytes.Buffer
	ended, err := p.run(ctx, []string{"sh", "-euc", prepareScript}, &log)
	if err == nil && ended != "" {
		err = errors.New(ended)
	}
	if err != nil {
		return fmt.Errorf("prepare the tests: %w\n%s", err, log.Bytes())
	}
	return nil
}

// tests runs the tests of one name in a place, and closes the place.
func (w *world) tests(ctx context.Context, p place, name string) (_ results, err error) {
	defer func() { err = errors.Join(err, p.close()) }()
	if err := w.prepare(ctx, p); err != nil {
		return nil, err
	}
	var log, found bytes.Buffer
	ended, err := p.run(ctx, []string{"timeout", "--signal=KILL", timeout, python, runnerName, resultsFile, name}, &log)
	if err != nil {
		return nil, err
	}
	if _, err := p.run(ctx, []string{"cat", resultsFile}, &found); err != nil {
		return nil, err
	}
	r, err := readResults(&found)
	if err != nil {
		return nil, fmt.Errorf("%w; how it ended: %q; the end of its log:\n%s", err, ended, indent(tail(log.String())))
	}
	return r, nil
}

// tail is the end of a log.
func tail(s string) string { return s[max(0, len(s)-4000):] }
