// Package findings reads from the output of flake8, unittest and pytest what they found wrong
// and where it stands. Their output is a repository's word: it makes a sentence for people and decides
// nothing.
package findings

import (
	"fmt"
	"strings"

	"vivarium/pipeline/reason"
	"vivarium/pipeline/sentence"
	"vivarium/pipeline/termtext"
)

// Finding is one thing that a step found wrong.
type Finding struct {
	Path   string `json:"path"`   // from the checkout's root, with slashes; empty when not known
	Line   int    `json:"line"`   // from 1; 0 when not known
	Column int    `json:"column"` // from 1; 0 when not known
	Code   string `json:"code"`   // such as F821 or AssertionError; may be empty
	// the test's ID, such as tests.test_cart.TotalTest.test_discount; empty where it is no test
	Test string `json:"test"`
	Text string `json:"text"`          // one line
	Why  string `json:"why,omitempty"` // what is behind it, in one line; empty where no more is known

	alone bool // Why needs no test's name
}

// String is the finding for people in at most sentence.Max characters.
func (f Finding) String() string { return f.sentence().String() }

// sentence begins with what matters: the line, where the tool points at one; the test and why it
// fails, where it is a test.
func (f Finding) sentence() sentence.Sentence {
	switch {
	case f.Why != "" && (f.alone || f.Test == ""):
		return sentence.Sentence{Text: f.Why, Place: f.Place()}
	case f.Why != "":
		return sentence.Sentence{Subject: f.Test, Text: f.Why, Place: f.Place()}
	case f.Test != "":
		return sentence.Sentence{Subject: f.Test, Text: f.Text, Place: f.Place()}
	case f.Path != "":
		return sentence.Sentence{Subject: f.Place(), Text: strings.TrimSpace(f.Code + " " + f.Text)}
	}
	return sentence.Sentence{Text: f.Text}
}

// Place is file, line and column, as far as they are known.
func (f Finding) Place() string {
	place := f.Path
	for _, n := range []int{f.Line, f.Column} {
		if n > 0 {
			place += fmt.Sprintf(":%d", n)
		}
	}
	return place
}

// Bounds on what is kept of one step.
const (
	most    = 20  // findings; the rest is counted
	maxText = 300 // bytes of a path, a test's name or a text
)

// List is what a step found: the first ones, and how many there are.
type List struct {
	Findings []Finding
	Total    int
	Of       int // how many tests ran; 0 where none did, or that is not known

	evidence map[int]reason.Evidence // of findings, by their places in the list
}

// Add adds a finding, bounded, or only counts it.
func (l *List) Add(f Finding) {
	if l.Total++; len(l.Findings) < most {
		f.Path, f.Code, f.Test, f.Text = bounded(f.Path), bounded(f.Code), bounded(f.Test), bounded(f.Text)
		l.Findings = append(l.Findings, f)
	}
}

// AddWith is Add for a failure of which more is known than its text says.
func (l *List) AddWith(f Finding, e reason.Evidence) {
	l.Add(f)
	if l.Total > len(l.Findings) {
		return
	}
	if l.evidence == nil {
		l.evidence = map[int]reason.Evidence{}
	}
	l.evidence[len(l.Findings)-1] = e
}

// Explain says of each finding what is behind it, as far as that is known.
func (l *List) Explain(k *reason.Known) {
	for i := range l.Findings {
		f, e := &l.Findings[i], l.evidence[i]
		if e.Reason = f.Text; f.Code != "" && !strings.HasPrefix(f.Text, f.Code) {
			e.Reason = f.Code + ": " + f.Text
		}
		why := k.Explain(e)
		f.Why, f.alone = bounded(why.Text), why.Alone
	}
}

// Append adds what another list holds.
func (l *List) Append(m List) {
	for i, f := range m.Findings {
		if e, ok := m.evidence[i]; ok {
			l.AddWith(f, e)
		} else {
			l.Add(f)
		}
	}
	l.Total += m.Total - len(m.Findings)
}

func bounded(s string) string {
	s = termtext.Line(strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}

// Sentence names the first finding and how many more there are, in at most sentence.Max characters;
// it is empty when there is none. total is the tool's own count, where that is more than was read.
func (l List) Sentence(total int) string {
	if len(l.Findings) == 0 {
		return ""
	}
	s := l.Findings[0].sentence()
	if more := max(total, l.Total) - 1; more > 0 {
		s.More = fmt.Sprintf("and %d more", more)
		if l.Of > 0 {
			s.More += fmt.Sprintf(" of %d", l.Of)
		}
	}
	return s.String()
}
