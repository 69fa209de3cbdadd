package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestHelpOfEveryCommandHasAnExample(t *testing.T) {
	seen := 0
	var check func(*cobra.Command)
	check = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			check(sub)
		}
		seen++
		path := strings.Fields(c.CommandPath())[1:]
		var out, errOut bytes.Buffer
		if code := run(t.Context(), append(path, "--help"), nil, nil, &out, &errOut); code != exitOK {
			t.Errorf("%s --help: exit code %d, %s", c.CommandPath(), code, &errOut)
		}
		if !strings.Contains(out.String(), "Examples:\n  ") || !strings.Contains(out.String(), c.CommandPath()) {
			t.Errorf("%s --help has no example:\n%s", c.CommandPath(), &out)
		}
		if c.Short == "" || c.Long == "" && c.HasSubCommands() {
			t.Errorf("%s does not say what it does", c.CommandPath())
		}
	}
	check(newRoot(&app{}))
	if seen < 15 {
		t.Errorf("control: only %d commands were seen", seen)
	}
}
