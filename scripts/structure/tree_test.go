package structure

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the checkout, seen from this package.
const root = "../.."

// module is the prefix of our own import paths, from go.mod.
const module = "vivarium/"

// source is one Go file of the tree.
type source struct {
	path string // below root, with slashes
	text []byte
	file *ast.File
	set  *token.FileSet
}

// dir is the package's folder below root.
func (s source) dir() string { return filepath.ToSlash(filepath.Dir(s.path)) }

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// lines is how many lines a node takes.
func (s source) lines(n ast.Node) int {
	return s.set.Position(n.End()).Line - s.set.Position(n.Pos()).Line + 1
}

// imports are the paths that the file imports.
func (s source) imports() []string {
	var list []string
	for _, i := range s.file.Imports {
		list = append(list, strings.Trim(i.Path.Value, `"`))
	}
	return list
}

// parseTree parses every Go file, whatever its build tags, in the order of their paths.
func parseTree(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && outside(d.Name()):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		s, err := parse(path)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d files were found: is %s still the checkout?", len(all), root)
	}
	return all
}

// outside reports whether the go command ignores folders of this name.
func outside(name string) bool {
	return name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

func parse(path string) (source, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return source{}, err
	}
	below, err := filepath.Rel(root, path)
	if err != nil {
		return source{}, err
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
	return source{path: filepath.ToSlash(below), text: text, file: file, set: set}, err
}

// packages groups the files by folder, without tests.
func packages(all []source) map[string][]source {
	m := map[string][]source{}
	for _, s := range all {
		if !s.isTest() {
			m[s.dir()] = append(m[s.dir()], s)
		}
	}
	return m
}

// importsOf are all imports of one package's files, each once.
func importsOf(files []source) []string {
	var list []string
	for _, s := range files {
		list = append(list, s.imports()...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
