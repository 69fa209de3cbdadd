package checkrun

import (
	"fmt"
	"strings"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
	"vivarium/sandbox/quantity"
)

const (
	// mostFailing is how many red tests the summary names.
	mostFailing = 50
	// MostSummary is the host's bound, in characters; in bytes it is kept as well.
	MostSummary = 65_535
	roomForLink = 4096
)

// summary says more than the title, in Markdown: red tests first, then the steps, then the limits.
// What comes of a build stands in code spans alone, so that it cannot be a link, a picture or HTML.
func summary(b pipeline.Build, failing []results.Test, marked []Annotation) string {
	var s strings.Builder
	tests(&s, b, failing)
	steps(&s, b)
	if l := b.Limits(); l != nil {
		fmt.Fprintf(&s, "\nLimits: %s\n", code(l.String(), 300))
	}
	if len(marked) == mostAnnotations {
		fmt.Fprintf(&s, "\nThe first %d places are marked in the files; the build's page has all.\n", mostAnnotations)
	}
	text := s.String()
	if text == "" {
		text = "The build has not begun.\n"
		if b.State.Ended() {
			text = "Nothing was run.\n"
		}
	}
	if len(text) > MostSummary-roomForLink {
		text = "More is to be told than has room here.\n"
	}
	return text
}

// tests names the red tests.
func tests(s *strings.Builder, b pipeline.Build, failing []results.Test) {
	for i, t := range failing {
		if i == mostFailing {
			break
		}
		fmt.Fprintf(s, "- %s", code(strings.TrimSpace(t.ID+" "+t.Sub), 200))
		if t.Reason != "" {
			fmt.Fprintf(s, " %s", code(t.Reason, 300))
		}
		if t.Path != "" && t.Line > 0 {
			fmt.Fprintf(s, " at %s", code(fmt.Sprintf("%s:%d", t.Path, t.Line), 200))
		}
		s.WriteString("\n")
	}
	red := b.TestResults().Red()
	if left := red - min(len(failing), mostFailing); left > 0 && len(failing) > 0 {
		fmt.Fprintf(s, "- and %d more\n", left)
	}
	if len(failing) > 0 {
		s.WriteString("\n")
	}
}

// steps lists what was done.
func steps(s *strings.Builder, b pipeline.Build) {
	if len(b.Steps) == 0 {
		return
	}
	s.WriteString("| step | state | took | |\n|---|---|---|---|\n")
	for _, st := range b.Steps {
		took := ""
		if !st.EndedAt.IsZero() && !st.StartedAt.IsZero() {
			took = quantity.Duration(st.EndedAt.Sub(st.StartedAt))
		}
		fmt.Fprintf(s, "| %s | %s | %s | %s |\n", st.Name, st.State, took, cell(st))
	}
}

func cell(st pipeline.Step) string {
	switch {
	case st.Note != "":
		return code(st.Note, 300)
	case st.Command != "":
		return code(st.Command, 300)
	}
	return ""
}

// code is a stranger's text as a code span in one line of a list or a table. No character in it ends
// the span: the backtick has a look-alike, and so has the bar that would end a cell.
func code(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	text = strings.NewReplacer("`", "ˋ", "|", "¦").Replace(cut(text, most))
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}
