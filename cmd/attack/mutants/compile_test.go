package main

import (
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEveryMutantCompiles: one that does not shows nothing of its defence. A move of code breaks a
// mutant easily, by an import that it leaves unused. Each package is loaded once and only checked
// for each of its mutants: a go build for each took a minute and more.
func TestEveryMutantCompiles(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	load := loader(t, root)
	for _, m := range table() {
		file, text, err := m.apply(root)
		if err != nil || filepath.Ext(file) != ".go" {
			continue // TestEveryMutantFindsItsText tells of the error
		}
		if err := load(filepath.Dir(file)).compiles(filepath.Join(root, file), text); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

// TestAMutantThatDoesNotCompileIsFound is the control of the test above.
func TestAMutantThatDoesNotCompileIsFound(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	pkg, file := loader(t, root)("cmd/attack/mutants"), filepath.Join(root, "cmd/attack/mutants/mutant.go")
	for text, good := range map[string]bool{
		"package main\n": false, // table is missing
		"package main\nimport \"fmt\"\n" + standIn: false, // the import is unused
		"package main\n" + standIn:                 true,
	} {
		if err := pkg.compiles(file, text); (err == nil) != good {
			t.Errorf("%q: error %v, want it good: %v", text, err, good)
		}
	}
}

// standIn is as much of mutant.go as the rest of its package needs.
const standIn = `type mutant struct{ name, file, old, new, attacks string }
func table() []mutant { return append(settings, filter...) }
func (m mutant) apply(root string) (file, text string, err error) { return }
`

// loader gives packages of this module by their folders.
func loader(t *testing.T, root string) func(dir string) *source {
	t.Helper()
	exports := exported(t, root)
	known := map[string]*source{}
	return func(dir string) *source {
		t.Helper()
		if known[dir] == nil {
			known[dir] = parse(t, filepath.Join(root, dir), exports)
		}
		return known[dir]
	}
}

// exported are the files by which the compiler knows the packages that ours import.
func exported(t *testing.T, root string) map[string]string {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-export", "-f", "{{.ImportPath}}\t{{.Export}}", "./cmd/...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files[name] = file
	}
	return files
}

// source is a package that is checked again and again.
type source struct {
	fset    *token.FileSet
	files   map[string]*ast.File
	imports types.Importer
}

func parse(t *testing.T, dir string, exports map[string]string) *source {
	t.Helper()
	s := &source{fset: token.NewFileSet(), files: map[string]*ast.File{}}
	found, err := build.ImportDir(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found.GoFiles {
		file := filepath.Join(dir, name)
		if s.files[file], err = parser.ParseFile(s.fset, file, nil, parser.SkipObjectResolution); err != nil {
			t.Fatal(err)
		}
	}
	s.imports = importer.ForCompiler(s.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	return s
}

// compiles checks a package in which one file has another text.
func (s *source) compiles(file, text string) error {
	mutant, err := parser.ParseFile(s.fset, file, text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	all := maps.Clone(s.files)
	all[file] = mutant
	config := types.Config{Importer: s.imports}
	_, err = config.Check(filepath.Dir(file), s.fset, slices.Collect(maps.Values(all)), nil)
	return err
}
