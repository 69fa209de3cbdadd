package wanted

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// Filter is which branches are built, and which files a push must change. Its zero value leaves
// nothing out.
type Filter struct {
	Branches []string // patterns of branches' names
	Paths    []string // patterns of files
}

// most bounds how many patterns there may be, and longest the characters of one.
const most, longest = 100, 500

// ReadPatterns reads what was written for branches or paths.
func ReadPatterns(v any) ([]string, error) {
	given, ok := v.([]any)
	patterns := make([]string, 0, len(given))
	for _, one := range given {
		text, is := one.(string)
		ok = ok && is && strings.Trim(text, "!/ ") != "" && utf8.RuneCountInString(text) <= longest &&
			!strings.ContainsAny(text, "\r\n\x00")
		patterns = append(patterns, text)
	}
	if !ok || len(patterns) == 0 || len(patterns) > most {
		return nil, fmt.Errorf(`write an array of at most %d patterns as in a .gitignore, such as ["main", "release/*"]`,
			most)
	}
	return patterns, nil
}

// FilterOf reads a filter out of settings, by their names. What has no value leaves nothing out.
func FilterOf(settings map[string]any) (f Filter, err error) {
	for name, to := range map[string]*[]string{"branches": &f.Branches, "paths": &f.Paths} {
		if v, given := settings[name]; given {
			var problem error
			*to, problem = ReadPatterns(v)
			err = errors.Join(err, problem)
		}
	}
	return f, err
}

// matcher tells whether a path of names fits patterns: the last that fits decides, and one that begins
// with ! leaves out.
func matcher(patterns []string, anchored bool) gitignore.Matcher {
	var all []gitignore.Pattern
	for _, text := range patterns {
		not := strings.HasPrefix(text, "!")
		text = strings.TrimPrefix(text, "!")
		if anchored {
			text = "/" + strings.TrimPrefix(text, "/")
		}
		if not {
			text = "!" + text
		}
		all = append(all, gitignore.ParsePattern(text, nil))
	}
	return gitignore.NewMatcher(all)
}

// LeavesOut says for people why a branch is not built; empty where it is.
func (f Filter) LeavesOut(branch string) string {
	if len(f.Branches) == 0 || branch == "" || matcher(f.Branches, true).Match(strings.Split(branch, "/"), false) {
		return ""
	}
	return fmt.Sprintf("branch %s is none of branches = %s", branch, written(f.Branches))
}

// maxMatching bounds the work of comparing files with patterns, in bytes of all patterns times bytes of
// all paths: the time grows with this product.
const maxMatching = 1 << 27

// Touches reports whether one of the files that a push changed must be built for, or there are so many,
// or so long ones, that this is not looked for.
func (f Filter) Touches(changed []string) bool {
	if bytesOf(f.Paths)*bytesOf(changed) > maxMatching {
		return true
	}
	built := matcher(f.Paths, false)
	for _, file := range changed {
		if len(f.Paths) == 0 || built.Match(strings.Split(file, "/"), false) {
			return true
		}
	}
	return false
}

func bytesOf(texts []string) (n int64) {
	for _, text := range texts {
		n += int64(len(text))
	}
	return n
}

// Unchanged says for people that a push changed nothing that is built.
func (f Filter) Unchanged(before string) string {
	return fmt.Sprintf("no file of paths = %s has changed since %.7s, which passed", written(f.Paths), before)
}

// written is a list as it would be written.
func written(patterns []string) string {
	quoted := make([]string, len(patterns))
	for i, p := range patterns {
		quoted[i] = fmt.Sprintf("%q", p)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// Rules are what the operator says of a repository's pushes.
type Rules struct {
	Filter
	Tags bool // tags are built
}

// Push is what is asked of one.
type Push struct {
	Marker  string   // as Marker
	Branch  string   // empty for anything else
	Tag     string   // empty for anything else
	Before  string   // the commit that the branch was at; empty: none
	Changed []string // all files that differ from Before; nil where they are not known
}

// Decision is whether a push is built. The zero Decision is yes.
type Decision struct {
	Ignored string // nothing is stored of it: why, and how that is changed
	Why     string // it is skipped: why
	Cause   Cause  // the same as one word
}

// Cause is why a push is skipped, as one word.
type Cause string

const (
	Skipped  Cause = "skipped"  // its commit's message asks for it
	Filtered Cause = "filtered" // its branch is left out
	// Unchanged: its files are left out, and the commit before it has passed. Where that has not, it is
	// not skipped: what was red does not become green by a push that leaves it as it was.
	Unchanged Cause = "unchanged"
)

// Decide decides on a push.
func (r Rules) Decide(p Push) Decision {
	switch why := r.LeavesOut(p.Branch); {
	case p.Tag != "" && !r.Tags:
		return Decision{Ignored: fmt.Sprintf("tag %s is not built: the operator has tags built by VIVARIUM_TAGS=yes, or by "+
			"tags = true in the file of `vivarium repos fix`", p.Tag)}
	case p.Marker != "":
		return Decision{Why: marked(p.Marker), Cause: Skipped}
	case why != "":
		return Decision{Why: why, Cause: Filtered}
	case len(r.Paths) > 0 && p.Branch != "" && p.Before != "" && p.Changed != nil && !r.Touches(p.Changed):
		return Decision{Why: r.Unchanged(p.Before), Cause: Unchanged}
	}
	return Decision{}
}

// Asker is what decides whether a repository's own filter, which only its checkout tells, leaves a build
// out. The nil Asker leaves out nothing.
type Asker struct {
	Branch string // that was pushed
	Before string // the commit that it was at, where that has passed; else no file leaves the build out
	// Changed are the files that differ from Before; nil where they are not known.
	Changed func(context.Context) []string
	// Asked reports whether somebody has asked for the build meanwhile, such as a pull request of its
	// commit; nil: nobody can.
	Asked func(context.Context) bool
}

// Decide decides by a repository's own filter.
func (a *Asker) Decide(ctx context.Context, own Filter) Decision {
	if a == nil {
		return Decision{}
	}
	p := Push{Branch: a.Branch, Before: a.Before}
	if len(own.Paths) > 0 && a.Before != "" {
		p.Changed = a.Changed(ctx)
	}
	d := Rules{Filter: own}.Decide(p)
	if d.Why != "" && a.Asked != nil && a.Asked(ctx) {
		return Decision{}
	}
	return d
}
