package python

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"vivarium/pipeline/python/declared"
	"vivarium/sandbox"
)

// lockedVersion is one that a constraint can name (PEP 440), and nothing else.
var lockedVersion = regexp.MustCompile(`^[0-9A-Za-z.!+_-]+$`)

// lock takes the versions of a lock file as constraints. They bind what the project declares, and not
// a requirements.txt, which is another account of the same.
func (in *installation) lock() {
	lock, others := declared.ReadLock(in.tree)
	in.passed = append(in.passed, others...)
	switch {
	case lock.File == "":
		return
	case len(in.files) > 0 || in.project.Package == "" && in.project.Application == "":
		in.passed = append(in.passed, lock.File)
		return
	}
	maps.DeleteFunc(lock.Versions, func(name, version string) bool {
		return name == in.project.Name || !lockedVersion.MatchString(version)
	})
	if in.locked = lock; len(lock.Versions) > 0 {
		in.because("with the versions of %s", lock.File)
	}
}

// constraintsFile is where the constraints stand in the sandbox; another one each time that something
// is let go.
func (in *installation) constraintsFile() string {
	return path.Join(sandbox.Tmp, fmt.Sprintf("vivarium-constraints-%d.txt", in.letGo))
}

// Written is a file that pip's command line names and that is not the repository's, and what is to
// stand in it: constraints, or requirements. text is empty where there is none.
func (p *Plan) Written() (file, text string) {
	in := p.installation
	switch {
	case in == nil || in.own != nil || in.refused != "":
		return "", ""
	case len(in.locked.Versions) == 0: // there are none beside requirements files
		if text = in.hashedCopy(); text != "" {
			file = copyFile
		}
		return file, text
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(in.locked.Versions)) {
		fmt.Fprintf(&b, "%s==%s\n", name, in.locked.Versions[name])
	}
	return in.constraintsFile(), b.String()
}

// LetGo takes projects, by their normalized names, out of the constraints. said tells people of it; ok
// is false where none of them was there.
func (p *Plan) LetGo(names []string) (said string, ok bool) {
	in := p.installation
	if in == nil {
		return "", false
	}
	var gone []string
	for _, name := range names {
		if version := in.locked.Versions[name]; version != "" {
			delete(in.locked.Versions, name)
			gone = append(gone, name+"=="+version)
		}
	}
	if len(gone) == 0 {
		return "", false
	}
	in.letGo++
	p.Install = p.inDir(in.commands())
	return fmt.Sprintf("%s of %s is let go: the index lacks it, or what is declared asks for another version",
		strings.Join(gone, ", "), in.locked.File), true
}
