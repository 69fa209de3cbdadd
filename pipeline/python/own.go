package python

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
)

func (c *config) setInstall(v any) (err error) {
	c.installs = true
	c.install, err = commandsOf(v)
	return err
}

func (c *config) setLint(v any) (err error) {
	c.lints = true
	c.lint, err = commandsOf(v)
	return err
}

func (c *config) setTest(v any) (err error) {
	c.tests = true
	c.test, err = commandsOf(v)
	return err
}

// commandsOf reads command lines as a person types them: one, or an array of them.
func commandsOf(v any) ([]checkout.Command, error) {
	said, ok := v.([]any)
	if one, is := v.(string); is {
		said, ok = []any{one}, true
	}
	var commands []checkout.Command
	for _, v := range said {
		line, is := v.(string)
		if ok = ok && is && len(line) <= maxCommand && !strings.Contains(line, "\x00"); strings.TrimSpace(line) != "" {
			commands = append(commands, checkout.Command{Argv: []string{"/bin/sh", "-ec", line}})
		}
	}
	if !ok {
		return nil, fmt.Errorf(`write a command line in quotes, such as "pip install -r all.txt", or an array of them`)
	}
	return commands, nil
}

// maxCommand bounds a command line, in bytes.
const maxCommand = 16 << 10

// Bounds of the variables that a repository sets: those of one command, in number and bytes.
const (
	maxVariables = 100
	maxVariable  = 16 << 10
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// setEnv takes variables for install, test, and lint of the repository's own. The contract's lint has
// none of them: it looks at every repository in the same way.
func (c *config) setEnv(v any) error {
	const advice = `write a table of names and texts, such as env = { MODE = "quick" }`
	table, ok := v.(map[string]any)
	if !ok || len(table) > maxVariables {
		return fmt.Errorf("%s, at most %d", advice, maxVariables)
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		value, isText := table[name].(string)
		switch table[name].(type) {
		case int64, bool:
			value, isText = fmt.Sprint(table[name]), true
		}
		if !isText || !variableName.MatchString(name) || len(value) > maxVariable || strings.Contains(value, "\x00") {
			return fmt.Errorf("%s; %s is none", advice, name)
		}
		c.env = append(c.env, name+"="+value)
	}
	return nil
}

// overridden names what the repository decides by commands of its own.
func (c *config) overridden() []string {
	var all []string
	for _, one := range []struct {
		name string
		set  bool
	}{{"install", c.installs}, {"lint", c.lints}, {"test", c.tests}} {
		if one.set && !c.fixed.Fixes(one.name) {
			all = append(all, one.name)
		}
	}
	return all
}

// withEnv gives commands, which a setting may hold, the variables of env. A command that the operator
// fixed has no variables of the repository's.
func (c *config) withEnv(setting string, commands []checkout.Command) []checkout.Command {
	if c.fixed.Fixes(setting) && !c.fixed.Fixes("env") {
		return commands
	}
	for i := range commands {
		commands[i].Env = append(commands[i].Env, c.env...)
	}
	return commands
}
