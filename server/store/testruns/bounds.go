package testruns

import (
	"slices"
	"strings"
	"unicode/utf8"

	"vivarium/pipeline/results"
	"vivarium/pipeline/termtext"
)

// What is kept of one attempt. The rest is counted.
const (
	mostTests    = 100_000
	mostBytes    = 32 << 20 // of all results together, before compression
	mostFailures = 1000     // that are rows
	mostDetails  = 8 << 20  // bytes of these rows' details together, before compression

	maxName   = 1000     // bytes of an ID, of a subtest's parameters, of a path
	maxReason = 2000     // bytes
	maxDetail = 32 << 10 // bytes of a traceback, of an output
	maxAsked  = 20
)

// bounded is t within the bounds of one result, as text that any reader can be shown.
func bounded(t results.Test) results.Test {
	for _, text := range []*string{&t.ID, &t.Sub, &t.Path, &t.After} {
		*text = line(*text, maxName)
	}
	t.Reason = line(t.Reason, maxReason)
	t.Traceback, t.Output = lastOf(t.Traceback), lastOf(t.Output)
	t.Asked = slices.Clone(t.Asked[:min(len(t.Asked), maxAsked)])
	for i := range t.Asked {
		t.Asked[i] = results.Asked{Kind: line(t.Asked[i].Kind, maxName), Name: line(t.Asked[i].Name, maxName)}
	}
	t.Line, t.Duration = max(t.Line, 0), max(t.Duration, 0)
	return t
}

// line is text as one line, of most bytes.
func line(text string, most int) string {
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return termtext.Line(text)
}

// lastOf is the end of a long text: a traceback ends with what was raised.
func lastOf(text string) string {
	if len(text) > maxDetail {
		cut := len(text) - maxDetail
		for cut < len(text) && !utf8.RuneStart(text[cut]) {
			cut++
		}
		text = "…\n" + text[cut:]
	}
	f := termtext.Filter{Pictures: true}
	return string(append(f.Write([]byte(text)), f.Flush()...))
}
