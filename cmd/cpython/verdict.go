package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// verdict is the result of a comparison.
type verdict struct {
	alike    map[string]int // tests that ended alike, by outcome
	failed   []string       // those that failed on both sides
	refused  map[string]int // how many tests of the list, by what the report says of them
	problems []string
	ours     results
}

func (v *verdict) problem(format string, args ...any) {
	v.problems = append(v.problems, strings.TrimRight(fmt.Sprintf(format, args...), "\n"))
}

func (v *verdict) add(more verdict) {
	for outcome, n := range more.alike {
		v.alike[outcome] += n
	}
	v.failed = append(v.failed, more.failed...)
	maps.Copy(v.refused, more.refused)
	v.problems = append(v.problems, more.problems...)
}

func (v *verdict) summary(name string) string {
	refused := 0
	for _, n := range v.refused {
		refused += n
	}
	return fmt.Sprintf("%-36s alike: %d passed, %d skipped, %d failed; refused: %d; problems: %d",
		name, v.alike[passed], v.alike[skipped], v.alike[failed], refused, len(v.problems))
}

// notPassed lists the tests that did not pass in the sandbox, with the reasons.
func (v *verdict) notPassed() string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(v.ours)) {
		if r := v.ours[id]; r.Outcome != passed {
			fmt.Fprintf(&b, "  %s: %s\n%s", id, r, indent(r.Detail))
		}
	}
	return b.String()
}

// report is the end of a run, for people.
func (v *verdict) report() string {
	var b strings.Builder
	section := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n%s:\n", title)
		for _, line := range lines {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	var refused []string
	for _, text := range slices.Sorted(maps.Keys(v.refused)) {
		refused = append(refused, fmt.Sprintf("%d × %s", v.refused[text], text))
	}
	section("Tests of exactly what a sandbox refuses", refused)
	section("Tests that fail on both sides", v.failed)
	section("Problems", v.problems)
	fmt.Fprintf(&b, "\n%s\n", v.summary("all"))
	return b.String()
}

func (v *verdict) err() error {
	if n := len(v.problems); n > 0 {
		return fmt.Errorf("%d problems", n)
	}
	return nil
}

func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(s, "\n")) {
		b.WriteString("    " + strings.TrimRight(line, "\n") + "\n")
	}
	return b.String()
}
