// Package fix is the command by which an operator says what is fixed of repositories' builds.
package fix

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"vivarium/pipeline/fixed"
	"vivarium/pipeline/limits"
	"vivarium/pipeline/python"
	"vivarium/server/registry"
	"vivarium/server/store/entries"
	"vivarium/server/store/people"
)

// Registry is the server's registry, and who changes it.
type Registry struct {
	Entries *entries.Entries
	By      people.Actor
	Limits  limits.Limits                            // the server's; CPUs are 0 where the engine decides
	Explain func(verb, name string, err error) error // words an error of the registry's for people
}

// Streams are what the command reads and writes.
type Streams struct {
	In  io.Reader
	Out io.Writer
}

const long = `Fix says what the repositories of an entry cannot change of their builds: commands, limits,
protected paths, and tests of your own. FILE (- for standard input) has the settings of
[tool.vivarium] at its top, which then count in place of the repository's, and besides:

  protect = ["tests", "conftest.py"]   # nothing of the repository stays there; as in a .gitignore

  [overlay]                            # files of your own, put in place before the plan and again before the tests
  repository = "school/tests"          # on the same GitHub server; the server's token must be able to read it
  commit = "…"                         # its whole ID: a branch or a tag could be moved
  folder = "week1"                     # whose files stand at the checkout's root; all, where it is left out

  branches = ["main", "release/*"]     # only these are built; patterns as in a .gitignore
  paths = ["*.py", "!docs/"]           # a push of other files alone is skipped where what it changes has passed
  tags = true                          # tags are built; else as VIVARIUM_TAGS says

Where protect is left out, it is the overlay's own files and folders at the root, and every
conftest.py. With the tests their variables and their folder are fixed, too. Below a pattern, a
repository's own entry comes before the pattern's. Plan, page and commit status say what a
repository had otherwise. Without FILE the command shows what is fixed.`

// Command is the command. open runs a function on the registry.
func Command(s Streams, open func(ctx context.Context, f func(Registry) error) error) *cobra.Command {
	var clear bool
	cmd := &cobra.Command{
		Use:     "fix OWNER/NAME|OWNER/PATTERN [FILE]",
		Short:   "Fix what repositories cannot change of their builds: commands, limits, paths, tests",
		Long:    long,
		Example: "  vivarium repos fix 'school/group-*' week1.toml\n  vivarium repos fix 'school/group-*' --clear",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if clear && len(args) == 2 {
				return fmt.Errorf("cannot fix %s: --clear goes without a file", args[0])
			}
			return open(cmd.Context(), func(r Registry) error {
				switch {
				case clear:
					return r.write(cmd.Context(), s.Out, args[0], "", "Nothing is fixed by the entry %s any more.\n")
				case len(args) == 1:
					return r.show(cmd.Context(), s.Out, args[0])
				}
				return r.fix(cmd.Context(), s, args[0], args[1])
			})
		},
	}
	cmd.Flags().BoolVar(&clear, "clear", false, "fix nothing any more by this entry")
	return cmd
}

// show prints what is fixed of a repository, or by the entry of a pattern.
func (r Registry) show(ctx context.Context, out io.Writer, name string) error {
	text, err := r.Entries.FixedFor(ctx, registry.Origin{Name: name})
	if registry.IsPattern(name) {
		text, err = r.ofPattern(ctx, name)
	}
	if err != nil {
		return fmt.Errorf("cannot show what is fixed of %s: %w", name, err)
	}
	if text == "" {
		text = "# nothing is fixed"
	}
	_, err = fmt.Fprintln(out, text)
	return err
}

func (r Registry) ofPattern(ctx context.Context, name string) (string, error) {
	all, err := r.Entries.List(ctx)
	for _, e := range all {
		if strings.EqualFold(e.Name, name) {
			return strings.TrimSpace(e.Fixed), err
		}
	}
	return "", err
}

// fix reads a file, checks it, and keeps it.
func (r Registry) fix(ctx context.Context, s Streams, name, file string) error {
	text, err := read(s.In, file)
	if err != nil {
		return fmt.Errorf("cannot read what to fix of %s: %w", name, err)
	}
	part, err := Check(text, r.Limits)
	if err != nil {
		return fmt.Errorf("cannot fix that of %s: %s: %w", name, file, err)
	}
	if strings.TrimSpace(text) == "" {
		text = "# nothing" // else a pattern's word would count
	}
	return r.write(ctx, s.Out, name, text, "Fixed of %s: "+strings.ReplaceAll(part.String(), "%", "%%")+".\n"+advice(part))
}

func (r Registry) write(ctx context.Context, out io.Writer, name, text, said string) error {
	if err := r.Entries.Fix(ctx, r.By, name, text); err != nil {
		return r.Explain("fix", name, err)
	}
	_, err := fmt.Fprintf(out, said, name)
	return err
}

func read(stdin io.Reader, file string) (string, error) {
	if file == "-" {
		data, err := io.ReadAll(stdin)
		return string(data), err
	}
	data, err := os.ReadFile(file)
	return string(data), err
}

// Check reads what is to be fixed, and refuses what a build could not go by. operator are the
// server's limits.
func Check(text string, operator limits.Limits) (fixed.Part, error) {
	part, err := fixed.Parse(text)
	if err != nil {
		return fixed.Part{}, err
	}
	if operator.CPUs == 0 {
		operator.CPUs = math.Inf(1) // asked again when a build begins
	}
	return part, python.CheckFixed(part, operator)
}

// advice says what a repository can still change of the tests that are fixed.
func advice(p fixed.Part) string {
	var open []string
	for _, setting := range []string{"install", "test"} {
		if _, ok := p.Settings[setting]; !ok && p.Fixes("test") {
			open = append(open, setting)
		}
	}
	if len(open) == 0 {
		return ""
	}
	return "Not fixed: " + strings.Join(open, ", ") + ". What a repository installs, and pytest's settings in its " +
		"files, can change what your tests say.\n"
}
