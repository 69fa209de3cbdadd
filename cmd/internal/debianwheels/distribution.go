package debianwheels

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// site is where Debian keeps Python packages.
const site = "usr/lib/python3/dist-packages"

// distribution is one Python package as Debian installs it.
type distribution struct {
	name, version string
	metadata      string            // the text of METADATA
	files         map[string][]byte // below site-packages, by path
	entryPoints   []byte            // nil when there are none
}

// readDistributions reads the Python packages of an unpacked Debian package: none when there is no
// metadata, as in a package of documentation or of modules that Debian split off. Of several, each
// has the modules of its own name.
func readDistributions(root string) (all []distribution, err error) {
	tree := os.DirFS(filepath.Join(root, site))
	infos, err := metadataFolders(tree)
	if err != nil {
		return nil, err
	}
	of := map[string][]string{}
	for _, info := range infos {
		of[projectOf(info)] = append(of[projectOf(info)], info)
	}
	for _, project := range slices.Sorted(maps.Keys(of)) {
		var d distribution
		// Some Debian packages hold both kinds of metadata, and the first kind says more.
		if err := d.read(tree, of[project][0]); err != nil {
			return nil, err
		}
		only := ""
		if len(of) > 1 {
			only = strings.ReplaceAll(project, "-", "_")
		}
		if d.files, err = modules(tree, infos, only); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// complete names what the package requires where its metadata names nothing but extras: Debian takes
// such lists out of some packages, and has its own instead.
func (d *distribution) complete(debs []string, found map[string][]distribution) {
	for _, requirement := range fields(d.metadata, "Requires-Dist") {
		if !strings.Contains(requirement, "extra ==") {
			return
		}
	}
	var requires []string
	for _, deb := range debs {
		for _, needed := range found[deb] {
			requires = append(requires, needed.name)
		}
	}
	d.metadata = withRequires(d.metadata, requires)
}

// metadataFolders are all .dist-info, then all .egg-info.
func metadataFolders(tree fs.FS) ([]string, error) {
	infos, err := fs.Glob(tree, "*.dist-info")
	if err != nil {
		return nil, err
	}
	eggs, err := fs.Glob(tree, "*.egg-info")
	return append(infos, eggs...), err
}

// projectOf is the normalized name of the project whose metadata this folder holds.
func projectOf(info string) string {
	name, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimSuffix(info, ".egg-info"), ".dist-info"), "-")
	return Normalize(name)
}

var separators = regexp.MustCompile(`[-_.]+`)

// Normalize is the form in which an index knows a project's name (PEP 503).
func Normalize(name string) string { return strings.ToLower(separators.ReplaceAllString(name, "-")) }

func (d *distribution) read(tree fs.FS, info string) error {
	text, err := readFirst(tree, info+"/METADATA", info+"/PKG-INFO", info)
	if err != nil {
		return err
	}
	d.metadata = string(text)
	requires, err := fs.ReadFile(tree, info+"/requires.txt")
	if err == nil && len(fields(d.metadata, "Requires-Dist")) == 0 {
		d.metadata = withRequires(d.metadata, requiresDist(string(requires)))
	}
	if points, err := fs.ReadFile(tree, info+"/entry_points.txt"); err == nil {
		d.entryPoints = points
	}
	d.name, d.version = field(d.metadata, "Name"), field(d.metadata, "Version")
	// Debian marks what it repacked in the local part of the version.
	whole := d.version
	d.version, _, _ = strings.Cut(whole, "+")
	d.metadata = strings.Replace(d.metadata, "\nVersion: "+whole+"\n", "\nVersion: "+d.version+"\n", 1)
	if d.name == "" || strings.Trim(d.version, "0.") == "" {
		return fmt.Errorf("%s names no project and version", info)
	}
	return nil
}

func readFirst(tree fs.FS, names ...string) (data []byte, err error) {
	for _, name := range names {
		if data, err = fs.ReadFile(tree, name); err == nil {
			return data, nil
		}
	}
	return nil, err
}

// fields are the values of a header of METADATA.
func fields(metadata, name string) (values []string) {
	head, _, _ := strings.Cut(metadata, "\n\n")
	for _, line := range strings.Split(head, "\n") {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// field is the first value of a header; empty when there is none.
func field(metadata, name string) string { return append(fields(metadata, name), "")[0] }

// withRequires adds lines to the headers.
func withRequires(metadata string, requires []string) string {
	head, body, _ := strings.Cut(metadata, "\n\n")
	head = strings.TrimRight(head, "\n")
	for _, r := range requires {
		head += "\nRequires-Dist: " + r
	}
	return head + "\n\n" + body
}

// requiresDist reads an egg-info's requires.txt, whose sections are [extra:marker].
func requiresDist(text string) (lines []string) {
	extra, marker := "", ""
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			extra, marker, _ = strings.Cut(strings.Trim(line, "[]"), ":")
			continue
		}
		if line == "" {
			continue
		}
		var conditions []string
		if marker != "" {
			conditions = append(conditions, "("+marker+")")
		}
		if extra != "" {
			conditions = append(conditions, fmt.Sprintf("extra == %q", extra))
		}
		if len(conditions) > 0 {
			line += " ; " + strings.Join(conditions, " and ")
		}
		lines = append(lines, line)
	}
	return lines
}

// modules reads the Python packages' own files; those of one of them where only names it. Compiled
// modules are left out: they would fit only this machine's Python, and the packages that tests want
// can do without.
func modules(tree fs.FS, infos []string, only string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		top, _, _ := strings.Cut(name, "/")
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "__pycache__" || slices.Contains(infos, name)):
			return fs.SkipDir
		case !e.Type().IsRegular() || path.Ext(name) == ".so" || slices.Contains(infos, name):
			return nil
		case only != "" && strings.TrimSuffix(top, ".py") != only:
			return nil
		}
		files[name], err = fs.ReadFile(tree, name)
		return err
	})
	return files, err
}
