package python

import (
	"fmt"
	"slices"
	"strings"

	"vivarium/pipeline/fixed"
	"vivarium/pipeline/limits"
	"vivarium/pipeline/wanted"
)

// CheckFixed refuses settings that an operator cannot fix: those that there are not, values that they
// do not take, and limits above the server's.
func CheckFixed(p fixed.Part, operator limits.Limits) error {
	c := config{limits: operator, fixed: p}
	return c.takeFixed()
}

// configOf takes a repository's table, and what the operator fixed in its place.
func configOf(table any, o Options) (config, error) {
	c := config{limits: o.Limits, fixed: o.Fixed}
	if err := c.take(table); err != nil {
		return c, err
	}
	if err := c.takeFixed(); err != nil {
		return c, configError("what the operator fixed does not hold", err.Error())
	}
	return c, nil
}

func (c *config) takeFixed() error {
	for _, key := range c.fixed.Names() {
		set, known := settings[key]
		if !known {
			return fmt.Errorf("there is no setting %q; did you mean %q?", key, nearest(key))
		}
		value := c.fixed.Settings[key]
		if err := set(c, value); err != nil {
			return fmt.Errorf("%s = %v: %w", key, value, err)
		}
		if !slices.Contains(choices, key) {
			c.lowered = append(c.lowered, fmt.Sprintf("%s = %v by the operator, for this repository", key, value))
		}
	}
	if c.workdir == "" && c.fixed.Fixes("workdir") {
		c.workdir = "."
	}
	return nil
}

// ownWanted are the pushes that the repository itself wants to be built.
func (c *config) ownWanted() (f wanted.Filter) {
	if !c.fixed.Fixes("branches") {
		f.Branches = c.wanted.Branches
	}
	if !c.fixed.Fixes("paths") {
		f.Paths = c.wanted.Paths
	}
	return f
}

// asker is who decides on a setting.
func (c *config) asker(setting string) string {
	if c.fixed.Fixes(setting) {
		return "the operator"
	}
	return "[tool.vivarium]"
}

// by names a setting with whose it is.
func (c *config) by(setting string) string {
	if c.fixed.Fixes(setting) {
		return "the operator's " + setting
	}
	return "[tool.vivarium] " + setting
}

// sayFixed says what the operator fixed, what of the repository's own counts for nothing therefore,
// and what the repository can still decide of the operator's tests.
func (p *Plan) sayFixed(c config, o Options) {
	if o.Fixed.Zero() {
		return
	}
	p.Fixed = append(p.Fixed, "by the operator: "+o.Fixed.String())
	if len(o.Laid.Patterns) > 0 {
		p.Fixed = append(p.Fixed, fmt.Sprintf("%s of the operator's own; nothing of the repository stays at: %s",
			count(o.Laid.Own, "file"), strings.Join(o.Laid.Patterns, " ")))
	}
	if len(c.ignored) > 0 {
		p.Remarks = append(p.Remarks, fmt.Sprintf("the operator fixed %s: that of [tool.vivarium] counts for nothing",
			strings.Join(c.ignored, ", ")))
	}
	if len(o.Laid.Replaced) > 0 {
		p.Remarks = append(p.Remarks, "the operator's in place of the repository's: "+shorten(o.Laid.Replaced))
	}
	if len(o.Laid.LeftOut) > 0 {
		p.Remarks = append(p.Remarks, "left out, since the operator protects the path: "+shorten(o.Laid.LeftOut))
	}
	if c.fixed.Fixes("test") && !c.fixed.Fixes("install") {
		p.note("the operator fixed the tests, and not install: what the repository installs takes part in them")
	}
}
