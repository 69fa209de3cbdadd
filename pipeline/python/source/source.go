// Package source reads a Python file without running it: what it imports, and which functions and
// classes it defines. It takes the file line by line and knows no grammar beyond that, so it also
// reads what this or that release of Python could not.
package source

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// File is what stands in one Python file.
type File struct {
	// Imports are the absolute imports anywhere in the file, as written: the module's dotted name.
	Imports []string
	// Relative says that the file imports relative to its package.
	Relative  bool
	Functions []Function // those outside functions and classes
	Classes   []Class    // those outside functions and classes
	// Main says that the file calls unittest.main; Unguarded, that it does so when it is imported.
	Main, Unguarded bool
	// Exits says that importing the file ends Python: it calls sys.exit, exit or quit.
	Exits bool
}

// Function is one function.
type Function struct {
	Name       string
	Parameters []string // names, without self and those that have a default
	Decorators []string // dotted names, without arguments
}

// Class is one class.
type Class struct {
	Name    string
	Bases   []string // as written, without keyword arguments
	Methods []Function
}

// ImportsModule reports whether the file imports the module or something in it.
func (f File) ImportsModule(name string) bool {
	return slices.ContainsFunc(f.Imports, func(s string) bool {
		return s == name || strings.HasPrefix(s, name+".")
	})
}

// Parse reads a file. It never fails.
func Parse(data []byte) File {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	p := parser{room: roomFor(len(data))}
	for _, l := range logicalLines(string(data)) {
		p.line(l)
	}
	return p.file
}

// block is a compound statement whose body may be read.
type block struct {
	indent  int
	kind    blockKind // of the innermost class or function, this one included
	depth   int       // how many classes and functions there are around the body
	guarded bool      // by `if __name__ == "__main__"`
}

type blockKind int

const (
	other blockKind = iota // if, try, with, for, while: their bodies run when the file is imported
	class
	function
)

type parser struct {
	file       File
	unittest   bool // is imported
	room       int  // how much the names of further imports may take, in bytes
	blocks     []block
	decorators []string
}

var (
	definition = regexp.MustCompile(`^(?:async\s+)?def\s+([\pL_][\pL\pN_]*)\s*(?:\[[^\]]*\])?\s*\((.*)$`)
	classLine  = regexp.MustCompile(`^class\s+([\pL_][\pL\pN_]*)\s*(?:\[[^\]]*\])?\s*(?:\((.*?)\)\s*)?:`)
	decorator  = regexp.MustCompile(`^@\s*([\pL_][\pL\pN_.]*)`)
	compound   = regexp.MustCompile(`^(?:if|elif|else|try|except|finally|with|for|while|match|case|` +
		`async\s+(?:with|for))\b`)
	mainCall   = regexp.MustCompile(`^(?:unittest\s*\.\s*)?main\s*\(`)
	mainModule = regexp.MustCompile(`\bunittest\b.*\.\s*main\s*\(|\bunittest\s*\.\s*main\b`)
	exitCall   = regexp.MustCompile(`^(?:sys\s*\.\s*exit|exit|quit|os\s*\.\s*_exit)\s*\(`)
	isMain     = regexp.MustCompile(`^if\b.*\b__name__\b`)
)

func (p *parser) line(l line) {
	for len(p.blocks) > 0 && p.blocks[len(p.blocks)-1].indent >= l.indent {
		p.blocks = p.blocks[:len(p.blocks)-1]
	}
	if m := decorator.FindStringSubmatch(l.text); m != nil {
		p.decorators = append(p.decorators, m[1])
		return
	}
	p.define(l)
	p.decorators = nil
}

func (p *parser) define(l line) {
	if m := definition.FindStringSubmatch(l.text); m != nil {
		p.addFunction(Function{Name: m[1], Parameters: parameters(m[2]), Decorators: p.decorators})
		p.open(l, function)
		return
	}
	if m := classLine.FindStringSubmatch(l.text); m != nil {
		if p.around().kind == other {
			p.file.Classes = append(p.file.Classes, Class{Name: m[1], Bases: bases(m[2])})
		}
		p.open(l, class)
		return
	}
	if compound.MatchString(l.text) {
		p.open(l, other)
		if i := strings.LastIndex(l.text, ":"); i >= 0 {
			p.statements(l.text[i+1:])
		}
		return
	}
	p.statements(l.text)
}

// open begins a body. What stands in an if or a try of a class is in the class.
func (p *parser) open(l line, kind blockKind) {
	b := p.around()
	b.indent = l.indent
	if kind == other {
		b.guarded = b.guarded || isMain.MatchString(l.text)
	} else {
		b.kind = kind
		b.depth++
	}
	p.blocks = append(p.blocks, b)
}

// around is the innermost block.
func (p *parser) around() block {
	if n := len(p.blocks); n > 0 {
		return p.blocks[n-1]
	}
	return block{}
}

func (p *parser) addFunction(f Function) {
	switch around := p.around(); around.kind {
	case other:
		p.file.Functions = append(p.file.Functions, f)
	case class:
		if n := len(p.file.Classes); n > 0 && around.depth == 1 {
			f.Parameters = slices.DeleteFunc(f.Parameters, func(s string) bool { return s == "self" || s == "cls" })
			p.file.Classes[n-1].Methods = append(p.file.Classes[n-1].Methods, f)
		}
	}
}

// statements reads what stands in one line.
func (p *parser) statements(text string) {
	for _, s := range strings.Split(text, ";") {
		p.statement(strings.TrimSpace(s))
	}
}

func (p *parser) statement(s string) {
	p.imports(s)
	around := p.around()
	runs := around.kind == other && !around.guarded
	if mainCall.MatchString(s) && p.unittest || mainModule.MatchString(s) {
		p.file.Main = true
		p.file.Unguarded = p.file.Unguarded || runs
	}
	p.file.Exits = p.file.Exits || runs && len(p.blocks) == 0 && exitCall.MatchString(s)
}

func (p *parser) imports(s string) {
	if rest, ok := strings.CutPrefix(s, "import "); ok {
		for _, name := range strings.Split(rest, ",") {
			if words := strings.Fields(name); len(words) > 0 {
				p.imported(words[0], "")
			}
		}
		return
	}
	if rest, ok := strings.CutPrefix(s, "from "); ok {
		p.importsFrom(rest)
	}
}

// importsFrom reads what follows after "from".
func (p *parser) importsFrom(rest string) {
	module, names, ok := strings.Cut(rest, " import")
	module = strings.Join(strings.Fields(module), "")
	switch {
	case !ok:
	case strings.HasPrefix(module, "."):
		p.file.Relative = true
	default:
		p.imported(module, "")
		for _, name := range strings.FieldsFunc(names, func(r rune) bool { return strings.ContainsRune("(), ", r) }) {
			if name == "as" || !p.imported(module, "."+name) {
				break
			}
		}
	}
}

// roomFor is what the imports of a file of this size may take, in bytes: `from LONG import a, a, a`
// has LONG once, and its imports have it three times.
func roomFor(size int) int { return 8*size + 4096 }

// eachImport is what an import takes besides its name, in bytes.
const eachImport = 32

// imported keeps an import, unless all together take more room than in people's files. It reports
// whether it did.
func (p *parser) imported(module, name string) bool {
	if p.room -= len(module) + len(name) + eachImport; p.room < 0 {
		return false
	}
	p.file.Imports = append(p.file.Imports, module+name)
	p.unittest = p.unittest || module == "unittest" || strings.HasPrefix(module, "unittest.")
	return true
}

// parameters lists what a caller must pass. text begins after the opening bracket.
func parameters(text string) []string {
	var names []string
	for _, part := range arguments(text) {
		name, _, _ := strings.Cut(part, ":")
		name = strings.TrimSpace(name)
		if name == "" || name == "/" || strings.HasPrefix(name, "*") || assigns(part) {
			continue
		}
		names = append(names, name)
	}
	return names
}

func bases(text string) []string {
	var names []string
	for _, part := range arguments(text) {
		if part != "" && !assigns(part) && !strings.HasPrefix(part, "*") {
			names = append(names, part)
		}
	}
	return names
}

// assigns reports whether a part is name=value.
func assigns(part string) bool {
	i := strings.IndexByte(part, '=')
	return i >= 0 && !strings.HasPrefix(part[i:], "==")
}

// arguments splits at the commas outside brackets, up to the bracket that closes the list.
func arguments(text string) []string {
	var parts []string
	depth, begin := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth == 0 {
				return append(parts, strings.TrimSpace(text[begin:i]))
			}
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, strings.TrimSpace(text[begin:i]))
				begin = i + 1
			}
		}
	}
	return append(parts, strings.TrimSpace(text[begin:]))
}
