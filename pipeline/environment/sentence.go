package environment

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
	"vivarium/pipeline/python/requirement"
)

// mostWords bounds what the changes take of a sentence, in characters, so that the failure itself
// has room beside them: a commit status holds 140.
const mostWords = 90

// Sentence is a build's failure together with what has changed since the green build, where that
// may be the reason: the code is the same. What changed comes first then, since a status is cut at
// its end. With other code, the failure is all.
func (d Difference) Sentence(failure string) string {
	if !d.SameCode {
		return failure
	}
	same := fmt.Sprintf("same code as build %d, which passed", d.Build)
	changes := d.inOrder(failure)
	switch {
	case len(changes) > 0:
		return joined(same+"; "+few(changes, mostWords-utf8.RuneCountInString(same+"; ")), failure)
	case d.Compared && d.Nothing():
		return joined(failure, same+" with the same packages")
	}
	return joined(failure, same)
}

func joined(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "; " + second
}

// inOrder are the changes in words: of packages, first those that the failure names, of the image,
// and of the plan, which names the image too.
func (d Difference) inOrder(failure string) []string {
	failure = " " + requirement.Normalize(failure) + " "
	order := func(c Change) int {
		if names(failure, c.Name) {
			return 0
		}
		return 1
	}
	changed := slices.Clone(d.Changed)
	slices.SortStableFunc(changed, func(a, b Change) int { return order(a) - order(b) })
	var words []string
	for _, c := range changed {
		words = append(words, c.String())
	}
	switch {
	case d.Image != nil:
		words = append(words, d.Image.String())
	case len(d.Gone)+len(d.New) > 0:
		words = append(words, "another plan")
	}
	return words
}

// names reports whether a normalized text, between two spaces, has a package's name in it as a word.
func names(text, name string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return false
		}
		from += i + len(name)
		if !isLetter(text[from-len(name)-1]) && !isLetter(text[from]) {
			return true
		}
	}
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// few are the first words that fit into so many characters, one in any case, and how many more
// there are.
func few(words []string, room int) string {
	text := words[0]
	n := 1
	for ; n < len(words); n++ {
		more := text + ", " + words[n]
		if utf8.RuneCountInString(more) > room {
			break
		}
		text = more
	}
	if left := len(words) - n; left > 0 {
		text += fmt.Sprintf(", and %d more", left)
	}
	return text
}

// mostLines bounds the lines of one kind.
const mostLines = 40

// Lines says what differs, one thing a line, for a page or a terminal.
func (d Difference) Lines() []string {
	lines := []string{"other code"}
	if d.SameCode {
		lines[0] = "the same code"
	}
	var packages []string
	for _, c := range d.Changed {
		packages = append(packages, c.String())
	}
	lines = append(lines, bounded(packages, "packages")...)
	switch {
	case !d.Compared:
		lines = append(lines, "what was installed is not known of both")
	case len(packages) == 0:
		lines = append(lines, "the same packages")
	}
	if d.Image != nil {
		lines = append(lines, d.Image.String())
	}
	var plan []string
	for _, l := range d.Gone {
		plan = append(plan, "plan, before: "+l)
	}
	for _, l := range d.New {
		plan = append(plan, "plan, now: "+l)
	}
	return append(lines, bounded(plan, "lines of the plan")...)
}

// Text is Lines with a heading, for a terminal; it is empty for nil.
func (d *Difference) Text() string {
	if d == nil {
		return ""
	}
	return fmt.Sprintf("\nSINCE BUILD %d, WHICH PASSED\n%s\n", d.Build, strings.Join(d.Lines(), "\n"))
}

// bounded are the first lines, and how many more there are.
func bounded(lines []string, what string) []string {
	if more := len(lines) - mostLines; more > 0 {
		return append(slices.Clone(lines[:mostLines]), fmt.Sprintf("and %d more %s", more, what))
	}
	return lines
}
