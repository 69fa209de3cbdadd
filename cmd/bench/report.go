package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// table shows the figures to people.
func table(figures []figure) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FIGURE\tMEDIAN\t10 %\t90 %\tMUST BE\tRUNS\tOURS\tTHEIRS\tWHAT")
	for _, f := range figures {
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%s\t%d\t%s\t%s\t%s\n",
			f.name, f.median(), f.min(), f.max(), f.bound, len(f.samples), dash(f.ours), dash(f.theirs), f.what)
	}
	t.Flush() // to memory: cannot fail
	return b.String()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// writeJSON writes the figures for programs: one object per figure.
func writeJSON(file string, figures []figure) error {
	type object struct {
		Ratio *float64 `json:"ratio,omitempty"`
		Value *float64 `json:"value,omitempty"`
		Min   float64  `json:"min"`
		Max   float64  `json:"max"`
		Runs  int      `json:"runs"`
	}
	out := map[string]object{}
	for _, f := range figures {
		median := f.median()
		o := object{Ratio: &median, Min: f.min(), Max: f.max(), Runs: len(f.samples)}
		if f.plain {
			o.Ratio, o.Value = nil, &median
		}
		out[f.name] = o
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// tablePlace is a line of the page. The table stands between it and tableEnd, and the rest of the
// page is written by hand.
type tablePlace string

const (
	coldTable    tablePlace = "<!-- make bench writes from here -->\n"
	profileTable tablePlace = "<!-- make bench-profile writes from here -->\n"
	claimTable   tablePlace = "<!-- make bench, or make bench-claim alone, writes from here -->\n"
	resultsTable tablePlace = "<!-- make bench, or make bench-results alone, writes from here -->\n"
	tableEnd                = "<!-- to here -->\n"
)

// writePage brings the table in a page up to date.
func writePage(file string, begin tablePlace, machine string, figures []figure) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("bring %s up to date: %w", file, err)
	}
	head, rest, begun := bytes.Cut(page, []byte(begin))
	_, tail, ended := bytes.Cut(rest, []byte(tableEnd))
	if !begun || !ended {
		return fmt.Errorf("bring %s up to date: %w", file,
			errors.New("the lines that the table stands between are missing"))
	}
	block := fmt.Sprintf("```text\n%s, %s\n\n%s```\n", time.Now().UTC().Format(time.DateOnly), machine, table(figures))
	return os.WriteFile(file, bytes.Join([][]byte{head, []byte(begin), []byte(block), []byte(tableEnd), tail}, nil),
		0o644)
}

// machine describes the machine that was measured on.
func machine(ctx context.Context) string {
	engine, err := run(ctx, "docker", "version", "--format", "Docker Engine {{.Server.Version}}")
	if err != nil {
		engine = "an engine that does not tell its version"
	}
	return fmt.Sprintf("%d CPUs, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, strings.TrimSpace(engine))
}
