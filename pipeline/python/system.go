package python

import (
	"fmt"
	"slices"
	"strings"

	"vivarium/pipeline/python/requirement"
)

// systemFiles name packages of the operating system, for other services.
var systemFiles = []string{"apt.txt", "Aptfile", "packages.txt", "apt-packages.txt"}

// libraries are what well-known projects need of the operating system, and what serves in their place.
var libraries = map[string]string{
	"psycopg2":     "libpq (psycopg2-binary brings it along)",
	"pdf2image":    "poppler",
	"pdftotext":    "poppler",
	"cairocffi":    "cairo",
	"cairosvg":     "cairo",
	"pycairo":      "cairo",
	"weasyprint":   "pango",
	"gdal":         "gdal (rasterio and pyogrio bring it along)",
	"pygraphviz":   "graphviz",
	"mysqlclient":  "MySQL's client library (PyMySQL needs none)",
	"python-ldap":  "OpenLDAP",
	"pyaudio":      "portaudio",
	"python-magic": "libmagic",
	"pytesseract":  "tesseract",
}

// noteSystem says what of the operating system is asked for and not installed: an image is the same
// for all repositories.
func (in *installation) noteSystem() {
	for _, file := range systemFiles {
		if in.tree.IsFile(file) {
			in.notes = append(in.notes, fmt.Sprintf("%s names packages of the operating system, which are not "+
				"installed: the operator can build an image that has them", file))
		}
	}
	var names []string
	for _, q := range in.all() {
		if libraries[q.Name] != "" && !slices.Contains(names, q.Name) {
			names = append(names, q.Name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		in.notes = append(in.notes, fmt.Sprintf("%s needs a library of the operating system, which the image may "+
			"lack: %s", name, libraries[name]))
	}
}

// all is what is asked for, wherever it stands.
func (in *installation) all() []requirement.Requirement {
	all := slices.Concat(in.single, in.group, in.known)
	for _, list := range in.lists {
		all = append(all, list.Requirements...)
	}
	return all
}

// has reports whether something is asked for by its name.
func (in *installation) has(name string) bool {
	name = requirement.Normalize(strings.TrimSpace(name))
	return slices.ContainsFunc(in.all(), func(q requirement.Requirement) bool { return q.Name == name })
}
