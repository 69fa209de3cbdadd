// Command alltests runs `go test` with its arguments, and fails as well when a test was
// skipped: a promise whose test cannot run here is not known to be kept.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "alltests: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	r := newReport(os.Stdout)
	err = r.read(events)
	if err != nil {
		_ = cmd.Process.Kill() // nobody reads what it says any more
	}
	return errors.Join(err, cmd.Wait(), r.verdict())
}

// event is one line of `go test -json` (go doc test2json).
type event struct {
	Action, Package, Test, Output string
}

// report shows what plain `go test` would: a line for each package, and the output of failed tests.
type report struct {
	w       io.Writer
	output  map[string][]event // by package, while it runs
	ended   map[[2]string]bool // tests that passed or were skipped
	passed  int
	skipped []string // what they said
}

func newReport(w io.Writer) *report {
	return &report{w: w, output: map[string][]event{}, ended: map[[2]string]bool{}}
}

func (r *report) read(events io.Reader) error {
	for d := json.NewDecoder(events); ; {
		var e event
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the events of go test: %w", err)
		}
		r.add(e)
	}
}

func (r *report) add(e event) {
	switch {
	case e.Action == "build-output":
		fmt.Fprint(r.w, e.Output)
	case e.Action == "output":
		r.output[e.Package] = append(r.output[e.Package], e)
	case e.Test != "" && e.Action == "pass":
		r.passed++
		r.ended[[2]string{e.Package, e.Test}] = true
	case e.Test != "" && e.Action == "skip":
		r.ended[[2]string{e.Package, e.Test}] = true
		r.skipped = append(r.skipped, r.text(e.Package, func(o event) bool { return o.Test == e.Test }))
	case e.Test == "" && (e.Action == "pass" || e.Action == "skip"):
		fmt.Fprint(r.w, r.text(e.Package, func(o event) bool { return o.Test == "" && o.Output != "PASS\n" }))
		delete(r.output, e.Package)
	case e.Test == "" && e.Action == "fail":
		fmt.Fprint(r.w, r.text(e.Package, func(o event) bool { return !r.ended[[2]string{e.Package, o.Test}] }))
		delete(r.output, e.Package)
	}
}

// text is the output of a package so far, as far as keep selects it.
func (r *report) text(pkg string, keep func(event) bool) string {
	var b strings.Builder
	for _, o := range r.output[pkg] {
		if keep(o) {
			b.WriteString(o.Output)
		}
	}
	return b.String()
}

// verdict is an error if a test was skipped or none passed.
func (r *report) verdict() error {
	for _, text := range r.skipped {
		fmt.Fprint(r.w, text)
	}
	fmt.Fprintf(r.w, "%d tests passed, %d were skipped\n", r.passed, len(r.skipped))
	switch {
	case len(r.skipped) > 0:
		return errors.New("a test was skipped, so what it promises is not known")
	case r.passed == 0:
		return errors.New("no test passed")
	}
	return nil
}
