package declared

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"vivarium/pipeline/python/checkout"
)

// maxTOML bounds what is parsed, in bytes. The parser looks for each key among all keys of its
// table, so its time grows with the square (1 MiB of short keys: 5 s and more).
const maxTOML = 256 << 10

// Document is a pyproject.toml; nil where there is none.
type Document map[string]any

// Open reads the pyproject.toml at the root of a tree. Its error is always a *checkout.Mistake.
func Open(t *checkout.Tree) (Document, error) {
	if !t.Exists(pyproject) {
		return nil, nil
	}
	data, ok := t.Read(pyproject)
	if !ok {
		return nil, &checkout.Mistake{
			File:    pyproject,
			Problem: "it cannot be read",
			Advice:  fmt.Sprintf("make it a regular file of at most %d KiB", maxTOML>>10),
		}
	}
	return parseTOML(pyproject, data)
}

// Vivarium is [tool.vivarium]; nil where there is none.
func (d Document) Vivarium() any { return table(d, "tool")["vivarium"] }

// parseTOML reads a TOML file. Its error is always a *checkout.Mistake.
func parseTOML(file string, data []byte) (map[string]any, error) {
	if len(data) > maxTOML {
		return nil, &checkout.Mistake{
			File:    file,
			Problem: fmt.Sprintf("it is larger than %d KiB", maxTOML>>10),
			Advice:  "take out what does not have to be there",
		}
	}
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return nil, &checkout.Mistake{
			File:    file,
			Line:    1,
			Problem: "it begins with a byte order mark, which TOML does not allow",
			Advice:  `save it as "UTF-8 without BOM"`,
		}
	}
	if line, b, bad := checkout.BadUTF8(data); bad {
		return nil, &checkout.Mistake{
			File:    file,
			Line:    line,
			Problem: fmt.Sprintf("it is not UTF-8 (byte 0x%02x)", b),
			Advice:  "save it as UTF-8",
		}
	}
	var doc map[string]any
	err := toml.Unmarshal(data, &doc)
	if err == nil {
		return doc, nil
	}
	m := &checkout.Mistake{
		File:    file,
		Problem: "it is not valid TOML: " + strings.TrimPrefix(err.Error(), "toml: "),
		Advice:  "correct it",
	}
	if at := (*toml.DecodeError)(nil); errors.As(err, &at) {
		var column int
		m.Line, column = at.Position()
		m.Problem = fmt.Sprintf("it is not valid TOML at column %d: %s", column,
			strings.TrimPrefix(err.Error(), "toml: "))
		m.Advice = "correct that line"
	}
	return nil, m
}

// table is the table at some keys; nil where there is none.
func table(doc map[string]any, path ...string) map[string]any {
	for _, key := range path {
		doc, _ = doc[key].(map[string]any)
	}
	return doc
}

func text(doc map[string]any, key string) string {
	s, _ := doc[key].(string)
	return s
}

// texts are the strings of an array.
func texts(v any) []string {
	all, _ := v.([]any)
	var found []string
	for _, item := range all {
		if s, ok := item.(string); ok {
			found = append(found, s)
		}
	}
	return found
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// lines are the lines of an option in a file of configparser, without comments.
func lines(value string) []string {
	var found []string
	for line := range strings.SplitSeq(value, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			found = append(found, line)
		}
	}
	return found
}
