package declared

import (
	"regexp"
	"slices"

	"vivarium/pipeline/python/checkout"
)

// fromTags are packages that name a project's version by the tags of its repository.
var fromTags = []string{
	"setuptools-scm", "setuptools-git-versioning", "hatch-vcs", "versioneer", "versioningit", "pbr",
	"dunamai", "poetry-dynamic-versioning", "uv-dynamic-versioning", "flit-scm", "miniver", "vcs-versioning",
}

// scriptFromTags is a setup.py that does so.
var scriptFromTags = regexp.MustCompile(`\b(setuptools_scm|use_scm_version|versioneer|pbr|setuptools_git_versioning)\b`)

// VersionFromTags says what names the project's version by the tags of its repository; it is empty
// where nothing does.
func VersionFromTags(t *checkout.Tree, doc Document) string {
	for _, name := range doc.BuildRequires() {
		if slices.Contains(fromTags, name) {
			return name + " of [build-system] names the version by them"
		}
	}
	if pdm := table(doc, "tool", "pdm", "version"); text(pdm, "source") == "scm" {
		return "[tool.pdm.version] names the version by them"
	}
	script, _ := t.Read(setupPy)
	if m := scriptFromTags.FindSubmatch(script); m != nil {
		return string(m[1]) + " of setup.py names the version by them"
	}
	return ""
}
