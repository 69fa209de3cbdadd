// Package fixed is what an operator fixes of a repository's builds, so that the repository cannot
// change it: settings, paths of the checkout, and files of the operator's own that stand there.
package fixed

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"vivarium/pipeline/gitline"

	"github.com/pelletier/go-toml/v2"
)

// Part is what is fixed. Its zero value fixes nothing.
type Part struct {
	// Settings are settings as [tool.vivarium] has them, by their names.
	Settings map[string]any
	// Protect are the paths at which nothing of the repository stays, as lines of a .gitignore. nil
	// is what the overlay asks for: its own files and folders at the root, and every conftest.py.
	Protect []string
	Overlay Overlay
	Tags    *bool // whether tags are built; nil: as the server has it
}

// Overlay is where the operator's own files come from.
type Overlay struct {
	Repository string // OWNER/NAME on the git host that the server builds from; empty is none
	Commit     string // its whole ID
	Folder     string // the folder whose files are taken; empty is the repository's root
}

// String names it for people.
func (o Overlay) String() string {
	text := fmt.Sprintf("%s at %.12s", o.Repository, o.Commit)
	if o.Folder != "" {
		text += ", folder " + o.Folder
	}
	return text
}

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}$`)

// maxText bounds what an operator writes for one entry, in bytes.
const maxText = 64 << 10

// Parse reads what an operator wrote: a TOML file with the settings of [tool.vivarium] at its top,
// protect, and a table [overlay]. What the settings may be is not checked here. Empty text fixes nothing.
func Parse(text string) (Part, error) {
	if len(text) > maxText {
		return Part{}, fmt.Errorf("it is longer than %d KiB", maxText>>10)
	}
	var values map[string]any
	if err := toml.Unmarshal([]byte(text), &values); err != nil {
		return Part{}, invalid(err)
	}
	p := Part{Settings: values}
	var err error
	if given, ok := values["protect"]; ok {
		if p.Protect, err = patternsOf(given); err != nil {
			return Part{}, err
		}
	}
	if given, ok := values["overlay"]; ok {
		if p.Overlay, err = overlayOf(given); err != nil {
			return Part{}, err
		}
	}
	if given, ok := values["tags"]; ok {
		tags, is := given.(bool)
		if !is {
			return Part{}, errors.New("tags: write true or false")
		}
		p.Tags = &tags
	}
	delete(values, "tags")
	delete(values, "protect")
	delete(values, "overlay")
	return p, nil
}

// invalid says where a text is no TOML.
func invalid(err error) error {
	said := strings.TrimPrefix(err.Error(), "toml: ")
	if at := (*toml.DecodeError)(nil); errors.As(err, &at) {
		line, column := at.Position()
		return fmt.Errorf("line %d, column %d: it is not valid TOML: %s", line, column, said)
	}
	return fmt.Errorf("it is not valid TOML: %s", said)
}

func patternsOf(v any) ([]string, error) {
	given, ok := v.([]any)
	patterns := make([]string, 0, len(given))
	for _, one := range given {
		text, is := one.(string)
		text = strings.TrimRight(text, "/") // a link is at a folder's path, too
		ok = ok && is && text != "" && !strings.HasPrefix(text, "!") && !strings.ContainsAny(text, "\n\x00")
		patterns = append(patterns, text)
	}
	if !ok {
		return nil, errors.New("protect: write an array of paths as in a .gitignore, and none that begins with !, such as " +
			`["tests", "conftest.py"]`)
	}
	return patterns, nil
}

func overlayOf(v any) (Overlay, error) {
	table, ok := v.(map[string]any)
	texts := map[string]string{}
	for name, value := range table {
		text, is := value.(string)
		ok = ok && is && slices.Contains([]string{"repository", "commit", "folder"}, name)
		texts[name] = text
	}
	o := Overlay{Repository: texts["repository"], Commit: texts["commit"]}
	switch {
	case !ok:
		return Overlay{}, errors.New("overlay: write a table with repository, commit and, if need be, folder")
	case !repositoryName.MatchString(o.Repository):
		return Overlay{}, fmt.Errorf("overlay: repository = %.150q is not OWNER/NAME", o.Repository)
	case !gitline.CommitID.MatchString(o.Commit):
		return Overlay{}, fmt.Errorf("overlay: commit = %.100q is not the whole ID of a commit (40 or 64 digits): a branch "+
			"or a tag could be moved", o.Commit)
	}
	if folder, given := texts["folder"]; given && path.Clean(folder) != "." {
		if o.Folder = path.Clean(folder); path.IsAbs(folder) || o.Folder == ".." || strings.HasPrefix(o.Folder, "../") {
			return Overlay{}, fmt.Errorf("overlay: folder = %.100q is no folder of the repository", folder)
		}
	}
	return o, nil
}

// Zero reports whether nothing is fixed.
func (p Part) Zero() bool { return len(p.Settings) == 0 && !p.Places() }

// Places reports whether paths of the checkout are fixed.
func (p Part) Places() bool { return len(p.Protect) > 0 || p.Overlay.Repository != "" }

// withTests are the settings that are fixed, too, where the tests are: each would change which tests
// run, or how.
var withTests = []string{"env", "test", "workdir"}

// Fixes reports whether a setting is fixed.
func (p Part) Fixes(setting string) bool {
	if _, ok := p.Settings[setting]; ok {
		return true
	}
	_, test := p.Settings["test"]
	return (test || p.Overlay.Repository != "") && slices.Contains(withTests, setting)
}

// Names are the settings that have a value here, in order.
func (p Part) Names() []string { return slices.Sorted(maps.Keys(p.Settings)) }

// String tells people what is fixed, in one line.
func (p Part) String() string {
	parts := p.Names()
	if p.Overlay.Repository != "" {
		parts = append(parts, "files of "+p.Overlay.String())
	}
	if len(p.Protect) > 0 {
		parts = append(parts, "the paths "+strings.Join(p.Protect, " "))
	}
	if p.Tags != nil {
		parts = append(parts, map[bool]string{true: "that tags are built", false: "that tags are not built"}[*p.Tags])
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}
