package pipwords

import (
	"fmt"
	"regexp"

	"vivarium/pipeline/findings"
)

// conflict reads which requirements contradict each other.
type conflict struct {
	constrained []string // normalized names of projects whose constraints are among the reasons
	reading     bool
	reasons     []reason
}

// reason is one of those that pip gives for a conflict.
type reason struct {
	by   string // the project that asks; empty where the repository does
	asks string
}

var (
	caused = regexp.MustCompile(`^(?:The conflict is caused by:|` +
		`ERROR: Cannot install .* because these package versions)`)
	constrained = regexp.MustCompile(`^\s+The user requested \(constraint\) (.+)$`)
	requested   = regexp.MustCompile(`^\s+The user requested (.+)$`)
	depends     = regexp.MustCompile(`^\s+(\S+ \S+)(?: \(.*\))? depends on (.+)$`)
)

func (c *conflict) line(s string) {
	if m := constrained.FindStringSubmatch(s); m != nil && len(c.constrained) < mostFindings {
		c.constrained = append(c.constrained, normalized(m[1]))
		c.add(reason{"", m[1] + " (of the lock file)"})
		return
	}
	if m := requested.FindStringSubmatch(s); m != nil {
		c.add(reason{"", m[1]})
	} else if m := depends.FindStringSubmatch(s); m != nil {
		c.add(reason{m[1], m[2]})
	} else if caused.MatchString(s) {
		c.reading = true
	}
}

func (c *conflict) add(r reason) {
	if c.reading && len(c.reasons) < mostFindings {
		c.reasons = append(c.reasons, r)
	}
}

// finding names the first two reasons: what the repository asks for, and what contradicts it.
func (c *conflict) finding(find func(requirement string) place) (f findings.Finding, ok bool) {
	if len(c.reasons) < 2 {
		return f, false
	}
	one, other := c.reasons[0], c.reasons[1]
	if one.by != "" && other.by == "" {
		one, other = other, one
	}
	text := func(r reason) string {
		at := find(r.asks)
		switch {
		case r.by != "":
			return r.by + ", which needs " + r.asks
		case at.path != "":
			return fmt.Sprintf("%s (%s:%d)", r.asks, at.path, at.line)
		}
		return r.asks
	}
	at := find(one.asks)
	if one.by != "" {
		at = find(one.by)
		f.Text = fmt.Sprintf("%s needs %s, and %s needs %s", one.by, one.asks, other.by, other.asks)
	} else {
		f.Text = fmt.Sprintf("%s conflicts with %s", one.asks, text(other))
	}
	f.Path, f.Line = at.path, at.line
	return f, true
}
