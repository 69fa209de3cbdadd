// Command mutants shows that the attack suite notices when a defence is gone: it removes one
// defence after the other from the source that the suite is compiled from, and runs the attacks
// that are there for it. The checkout is never changed: a mutant is one file that Go's build
// overlay puts in the place of the real one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"
)

func main() {
	only := flag.String("only", "", "run only the mutants whose name matches this regular expression")
	list := flag.Bool("list", false, "print the mutants and run none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only, *list); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, list bool) error {
	chosen, err := choose(table(), only)
	if err != nil {
		return err
	}
	w, err := newWorkplace(ctx)
	if err != nil {
		return err
	}
	defer w.remove()
	var errs []error
	for _, m := range chosen { // all of them, before minutes are spent
		file, _, err := m.apply(w.root)
		errs = append(errs, err)
		if list {
			fmt.Printf("%s: %s (%s)\n", file, m.name, m.attacks)
		}
	}
	if err := errors.Join(errs...); list || err != nil {
		return err
	}
	if err := w.control(ctx, chosen); err != nil {
		return err
	}
	return w.tryAll(ctx, chosen)
}

func choose(all []mutant, only string) ([]mutant, error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	var chosen []mutant
	for _, m := range all {
		if pattern.MatchString(m.name) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no mutant's name matches %q", only)
	}
	return chosen, nil
}

// control runs every attack that a mutant names on the source as it is. All must hold.
func (w *workplace) control(ctx context.Context, chosen []mutant) error {
	seen := map[string]bool{}
	var patterns []string
	for _, m := range chosen {
		if !seen[m.attacks] {
			seen[m.attacks] = true
			patterns = append(patterns, m.attacks)
		}
	}
	began := time.Now()
	r, err := w.attack(ctx, "", strings.Join(patterns, "|"))
	if err != nil {
		return fmt.Errorf("without a mutant: %w", err)
	}
	if r.failed || r.held == 0 {
		return fmt.Errorf("without a mutant the attacks must all be held, and are not:\n%s", r.output)
	}
	fmt.Printf("control   with every defence in place %d attacks are held, none is red   (%s)\n", r.held, since(began))
	return nil
}

// tryAll runs every mutant, even after one has survived.
func (w *workplace) tryAll(ctx context.Context, chosen []mutant) error {
	var killed int
	var survived, broken []string
	for _, m := range chosen {
		began := time.Now()
		r, err := w.try(ctx, m)
		switch {
		case ctx.Err() != nil:
			return errors.New("interrupted")
		case err != nil:
			broken = append(broken, m.name)
			fmt.Printf("BROKEN    %s: %v   (%s)\n", m.name, err, since(began))
		case len(r.red) == 0:
			survived = append(survived, m.name)
			fmt.Printf("SURVIVED  %s: %d attacks are held all the same   (%s)\n", m.name, r.held, since(began))
		default:
			killed++
			fmt.Printf("killed    %s: red: %s   (%s)\n", m.name, few(r.red), since(began))
		}
	}
	fmt.Printf("%d mutants: %d killed, %d survived, %d broken\n", len(chosen), killed, len(survived), len(broken))
	if killed != len(chosen) {
		return fmt.Errorf("not killed: %s", strings.Join(append(survived, broken...), "; "))
	}
	return nil
}

func since(t time.Time) string { return time.Since(t).Round(100 * time.Millisecond).String() }

// few names the first of many.
func few(names []string) string {
	const most = 4
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
