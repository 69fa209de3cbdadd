package declared

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/requirement"
)

// Lock is a lock file: which version of each project was in use.
type Lock struct {
	File     string
	Versions map[string]string // by normalized name
}

// lockFiles are those of uv, Poetry, PDM, PEP 751 and Pipenv, the first one first.
var lockFiles = []string{"uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock"}

// ReadLock reads the lock file at the root of a tree; its File is empty where there is none. others
// are those that are passed over for it.
func ReadLock(t *checkout.Tree) (lock Lock, others []string) {
	for _, file := range lockFiles {
		data, ok := t.Read(file)
		switch {
		case !ok && t.IsFile(file):
			others = append(others, file+" (it is too large)")
		case !ok:
		case lock.File != "":
			others = append(others, file)
		case file == "Pipfile.lock":
			lock = Lock{file, pipfileLock(data)}
		default:
			lock = Lock{file, tomlLock(string(data))}
		}
	}
	return lock, others
}

// lockLine is what counts of a lock file in TOML: the beginning of a package, its name and version, and
// a source that is not the index. These files are written by programs, a value a line. They may have
// a hundred thousand lines, of which a parser of TOML makes a tree.
var lockLine = regexp.MustCompile(`^(?:\[\[(packages?)\]\]|(name|version) = "([^"]+)"|` +
	`(source = \{ (?:git|url|path|directory|editable|virtual) =|type = "(?:git|url|directory|file)"|` +
	`(?:git|path) = "|(?:vcs|directory|archive) = \{))`)

func tomlLock(text string) map[string]string {
	versions := map[string]string{}
	var name, version string
	var elsewhere, twice []string
	local := false
	end := func() {
		switch _, known := versions[name]; {
		case name == "" || version == "":
		case local:
			elsewhere = append(elsewhere, name)
		case known && versions[name] != version:
			twice = append(twice, name) // one for each kind of machine
		default:
			versions[name] = version
		}
		name, version, local = "", "", false
	}
	for line := range strings.SplitSeq(text, "\n") {
		m := lockLine.FindStringSubmatch(line)
		switch {
		case m == nil:
		case m[1] != "":
			end()
		case m[2] == "name" && name == "":
			name = requirement.Normalize(m[3])
		case m[2] == "version" && version == "":
			version = m[3]
		case m[4] != "":
			local = true
		}
	}
	end()
	for _, name := range slices.Concat(elsewhere, twice) {
		delete(versions, name)
	}
	return versions
}

func pipfileLock(data []byte) map[string]string {
	var lock map[string]map[string]struct {
		Version string `json:"version"`
	}
	versions := map[string]string{}
	if json.Unmarshal(withoutMeta(data), &lock) != nil {
		return versions
	}
	for _, section := range []string{"default", "develop"} {
		for name, p := range lock[section] {
			if v, ok := strings.CutPrefix(p.Version, "=="); ok {
				versions[requirement.Normalize(name)] = v
			}
		}
	}
	return versions
}

// withoutMeta is a Pipfile.lock with the two sections that name packages.
func withoutMeta(data []byte) []byte {
	var sections map[string]json.RawMessage
	if json.Unmarshal(data, &sections) != nil {
		return nil
	}
	for name := range sections {
		if name != "default" && name != "develop" {
			delete(sections, name)
		}
	}
	kept, _ := json.Marshal(sections)
	return kept
}
