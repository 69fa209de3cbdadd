package structure

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// How large a thing may grow before it answers several questions. All lines count, comments too.
const (
	mostPackageLines    = 2500 // without tests
	mostFileLines       = 500
	mostFunctionLines   = 55 // without tests, whose tables are long and simple
	mostExportedMethods = 15
)

// larger are the packages and types that exceed these bounds today, each with how large it may be
// until it is taken apart. A number here only falls; a name that no longer needs one leaves.
var larger = map[string]int{
	"cmd/vivarium": 4746,
	"server":       2953,
	"pipeline":     2855,
}

func TestNothingGrowsTooLarge(t *testing.T) {
	all := parseTree(t)
	found := map[string]int{}
	for dir, files := range packages(all) {
		lines := 0
		for _, s := range files {
			lines += s.set.Position(s.file.FileEnd).Line
		}
		found[dir] = lines
		check(t, dir, "lines", lines, mostPackageLines)
		for name, methods := range exportedMethods(files) {
			name = dir + " (" + name + ")"
			found[name] = methods
			check(t, name, "exported methods", methods, mostExportedMethods)
		}
	}
	for _, s := range all {
		check(t, s.path, "lines", s.set.Position(s.file.FileEnd).Line, mostFileLines)
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && !s.isTest() {
				check(t, s.path+" ("+f.Name.Name+")", "lines", s.lines(f), mostFunctionLines)
			}
		}
	}
	for name := range larger {
		if found[name] == 0 {
			t.Errorf("%s is not there: take it out of the table", name)
		}
	}
}

// check compares one size with its bound.
func check(t *testing.T, name, unit string, is, most int) {
	t.Helper()
	if problem := sizeProblem(name, unit, is, most); problem != "" {
		t.Error(problem)
	}
}

func sizeProblem(name, unit string, is, most int) string {
	bound, exempt := larger[name]
	switch {
	case exempt && is <= most:
		return fmt.Sprintf("%s has %d %s, which is within the bound of %d: take it out of the table", name, is, unit,
			most)
	case exempt && is > bound:
		return fmt.Sprintf("%s has %d %s, and may have %d until it is taken apart", name, is, unit, bound)
	case !exempt && is > most:
		return fmt.Sprintf("%s has %d %s, more than %d: it answers several questions, take it apart", name, is, unit,
			most)
	}
	return ""
}

// TestSizeRuleSeesWhatIsTooLarge is the control: the rule finds what it is there for.
func TestSizeRuleSeesWhatIsTooLarge(t *testing.T) {
	const most = 10
	large := "cmd/vivarium"
	for _, c := range []struct {
		name  string
		is    int
		found bool
	}{
		{"images", most, false},
		{"images", most + 1, true},
		{large, larger[large], false},
		{large, larger[large] + 1, true},
		{large, most, true}, // it has become small, and the table still excuses it
	} {
		if got := sizeProblem(c.name, "lines", c.is, most); (got != "") != c.found {
			t.Errorf("%s with %d lines of %d: got %q", c.name, c.is, most, got)
		}
	}
}

// exportedMethods counts exported methods by the name of their type.
func exportedMethods(files []source) map[string]int {
	count := map[string]int{}
	for _, s := range files {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.IsExported() {
				count[receiver(f.Recv.List[0].Type)]++
			}
		}
	}
	return count
}

// receiver is the type's name, without pointer and type parameters.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}

// mostColumns is the length of a line; a tab counts as one. A field's tag cannot be broken.
const mostColumns = 120

func TestNoLineIsTooLong(t *testing.T) {
	for _, s := range parseTree(t) {
		for _, number := range tooLong(string(s.text)) {
			t.Errorf("%s:%d is longer than %d columns: break it, one field a line", s.path, number, mostColumns)
		}
	}
}

// TestLengthRuleSeesALongLine is the control: the rule finds what it is there for.
func TestLengthRuleSeesALongLine(t *testing.T) {
	tag := "\tName string `json:\"name\" doc:\"" + strings.Repeat("x", mostColumns) + "\"`"
	text := strings.Repeat("ü", mostColumns) + "\n\t" + strings.Repeat("x", mostColumns) + "\n" + tag
	if got := tooLong(text); !slices.Equal(got, []int{2}) {
		t.Errorf("lines %v are found too long, want the second alone", got)
	}
}

// tooLong gives the numbers of the lines that are, from 1.
func tooLong(text string) (numbers []int) {
	for i, line := range strings.Split(text, "\n") {
		code, tag, _ := strings.Cut(line, " `")
		if strings.HasSuffix(tag, "\"`") && strings.Contains(tag, ":\"") {
			line = code
		}
		if utf8.RuneCountInString(line) > mostColumns {
			numbers = append(numbers, i+1)
		}
	}
	return numbers
}
