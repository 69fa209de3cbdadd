package environment

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"vivarium/pipeline/python/requirement"
)

// Bounds of what is believed of an environment, which the repository's own programs have written.
const (
	MaxEntries  = 20_000 // entries of the folder that are looked at
	maxPackages = 2000
	maxWord     = 100 // bytes of a name or a version
)

// SitePackages is the folder, below a virtual environment's, in which this Python's packages are. It
// is empty for what is no version.
func SitePackages(python string) string {
	parts := strings.SplitN(python, ".", 3)
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return ""
	}
	return "lib/python" + parts[0] + "." + parts[1] + "/site-packages"
}

// Installed reads the packages out of the names of the entries of a folder of site-packages. That is
// what importlib.metadata goes by, too; no file is opened. Names that are none are passed over.
func Installed(entries []string) []Package {
	var list []Package
	for _, entry := range entries {
		if p, ok := packageOf(entry); ok && len(list) < maxPackages {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	return slices.Compact(list)
}

// word is what a name or a version can be made of, in the name of a folder. pip's own leftovers
// begin with a tilde.
var word = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+!-]*$`)

// packageOf reads NAME-VERSION.dist-info, or NAME-VERSION-pyX.Y.egg-info of older tools.
func packageOf(entry string) (Package, bool) {
	text, isWheel := strings.CutSuffix(entry, ".dist-info")
	if !isWheel {
		var isEgg bool
		if text, isEgg = strings.CutSuffix(entry, ".egg-info"); !isEgg {
			return Package{}, false
		}
		text = withoutPython.ReplaceAllString(text, "")
	}
	i := strings.LastIndexByte(text, '-')
	if i < 0 { // as of a project that stands in the environment by a link alone
		return Package{Name: requirement.Normalize(text)}, fits(text)
	}
	return Package{Name: requirement.Normalize(text[:i]), Version: text[i+1:]}, fits(text[:i]) && fits(text[i+1:])
}

// withoutPython is the end of an egg's name that says for which Python, and which machine, it is.
var withoutPython = regexp.MustCompile(`-py\d+(\.\d+)?(-.*)?$`)

func fits(s string) bool { return len(s) <= maxWord && word.MatchString(s) }
