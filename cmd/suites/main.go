// Command suites builds real Python packages with pytest suites, from Debian's source packages, and
// runs the same suites in a plain container of the same image, as a person would by hand. pytest's
// own counts must be the same.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"vivarium/cmd/internal/debianwheels"
	"vivarium/cmd/internal/harness"
	"vivarium/images"
)

// suites are the packages. What Debian has of each is fetched from the release that is named.
var suites = []suite{
	{source: "jinja2", release: "bookworm"},
	{source: "markupsafe", release: "bookworm"},
	{source: "python-click", release: "trixie"},
}

// wheels are the Debian packages of what the suites and their builds depend on.
var wheels = []string{"python3-pytest", "python3-markupsafe", "flit"}

type suite struct{ source, release string }

func main() {
	binary := flag.String("vivarium", "bin/vivarium", "the `program` that builds; make build makes it")
	mirror := flag.String("mirror", "http://deb.debian.org/debian", "the `address` of a Debian mirror")
	only := flag.String("only", "", "the source `package` to run; empty: all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *binary, *mirror, *only)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "suites: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, mirror, only string) (err error) {
	w := &world{mirror: mirror}
	if w.binary, err = filepath.Abs(binary); err != nil {
		return err
	}
	if w.folder, err = os.MkdirTemp("", "vivarium-suites-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(w.folder)) }()
	if w.World, err = harness.NewWorld(harness.Options{}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if w.wheels, err = debianwheels.Folder(ctx, wheels...); err != nil {
		return err
	}
	if err := w.Index.AddDir(w.wheels); err != nil {
		return err
	}
	if w.image, err = runnerImage(ctx); err != nil {
		return err
	}
	var differ []string
	for _, s := range suites {
		if only != "" && s.source != only {
			continue
		}
		same, err := w.compare(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.source, err)
		}
		if !same {
			differ = append(differ, s.source)
		}
	}
	if len(differ) > 0 {
		return fmt.Errorf("other counts than in a plain container: %s", strings.Join(differ, ", "))
	}
	return nil
}

// runners is a name of its own for the image, so that the operator's images stay as they are.
const runners = "vivarium-test/suites"

// runnerImage is the image that `vivarium run` starts from.
func runnerImage(ctx context.Context) (string, error) {
	m, err := images.Open(ctx, images.Options{InitDir: os.Getenv("VIVARIUM_INIT_DIR"), Runners: runners})
	if err != nil {
		return "", err
	}
	defer m.Close()
	image, err := m.Ensure(ctx, images.Default, os.Stderr)
	return image.ID, err
}

// world is what both sides are started from.
type world struct {
	*harness.World
	binary, image, mirror string
	folder                string // temporary: sources, lists of packages
	wheels                string
}

// compare runs one suite on both sides, and prints what each counted.
func (w *world) compare(ctx context.Context, s suite) (same bool, err error) {
	tree, err := w.fetch(ctx, s)
	if err != nil {
		return false, err
	}
	here, err := w.plain(ctx, tree)
	if err != nil {
		return false, fmt.Errorf("in a plain container: %w", err)
	}
	plain, err := countsOf(here)
	if err != nil {
		return false, fmt.Errorf("in a plain container: %w", err)
	}
	built, err := countsOf(w.vivarium(ctx, tree))
	if err != nil {
		return false, fmt.Errorf("built: %w", err)
	}
	fmt.Printf("%s (%s): in a plain container %s; built %s\n", s.source, filepath.Base(tree), plain, built)
	return plain == built, nil
}
