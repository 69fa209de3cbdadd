package web

import (
	"fmt"
	"net/url"
	"strings"

	"vivarium/pipeline/results"
)

// Tests is what the tests of a build came to, for the top of its page.
type Tests struct {
	results.Summary
	Total, Red int
	LeftOut    int // results that were counted and not kept
	Failing    []Failing
}

// Failing is a red result.
type Failing struct {
	results.Test
	History string // what is known of the test from earlier builds; may be empty
}

// Bounds of what a page says of its failing tests.
const (
	maxWhy       = 400
	maxTraceback = 1500
)

// Name is the test with its subtest's parameters.
func (f Failing) Name() string { return shortened(strings.TrimSpace(f.ID+" "+f.Sub), maxWhy) }

// Why is what it raised, in a line.
func (f Failing) Why() string { return shortened(f.Reason, maxWhy) }

// Place is file and line, as far as they are known.
func (f Failing) Place() string {
	if f.Path == "" || f.Line == 0 {
		return f.Path
	}
	return fmt.Sprintf("%s:%d", f.Path, f.Line)
}

// End is the end of its traceback.
func (f Failing) End() string {
	if len(f.Traceback) <= maxTraceback {
		return f.Traceback
	}
	return "…" + strings.ToValidUTF8(f.Traceback[len(f.Traceback)-maxTraceback:], "")
}

// Tried is what trying the test again showed, as a sentence.
func (f Failing) Tried() string {
	switch f.Again {
	case results.Always:
		return "Fails each time."
	case results.Flaky:
		return "Flaky: it passed when it was tried again."
	case results.Order:
		if f.After == "" {
			return "Fails only after other tests."
		}
		return "Fails only after " + shortened(f.After, maxWhy) + "."
	}
	return ""
}

// More is how many failing tests the page does not name.
func (t Tests) More() int { return max(t.Red-len(t.Failing), 0) }

// Unnamed is how many of those that were not reached the summary does not name.
func (t Tests) Unnamed() int { return max(t.NotReached-len(t.Named()), 0) }

// maxNamed is how many of the tests that were not reached a page names.
const maxNamed = 20

// Named are the first tests that were not reached.
func (t Tests) Named() []string { return t.Unreached[:min(len(t.Unreached), maxNamed)] }

// InLog is the address of a line of the log; empty for none. It is on this page only where the page has
// the whole log, or this line.
func (b Build) InLog(line int64) string {
	if line < 1 {
		return ""
	}
	if b.Complete || b.has(line) {
		return fmt.Sprintf("#L%d", line)
	}
	return fmt.Sprintf("?line=%d#L%[1]d", line)
}

// has reports whether the page is one of a part of the log, and this line is in it.
func (b Build) has(line int64) bool {
	if b.Line == 0 {
		return false
	}
	for _, s := range b.Log {
		for _, p := range s.Pieces {
			if p.Line == line {
				return true
			}
		}
	}
	return false
}

// FileURL is where the git host shows a line of the commit; empty where no file is known.
func (b Build) FileURL(path string, line int) string {
	if path == "" || strings.HasPrefix(path, "/") {
		return ""
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	address := b.RepoURL + "/blob/" + b.SHA + "/" + strings.Join(parts, "/")
	if line > 0 {
		address += fmt.Sprintf("#L%d", line)
	}
	return address
}

func shortened(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
