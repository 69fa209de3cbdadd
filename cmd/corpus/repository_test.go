package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/tools/txtar"

	"vivarium/sandbox/egress/egresstest"
)

// goldenFile is the file of an archive that is not of the repository.
const goldenFile = "golden"

// repository is one archive.
type repository struct {
	name    string
	archive *txtar.Archive
	promise promise
	setting []string // of the operator's, NAME=VALUE
	history []string // a tag for each commit; - is none
	commit  egresstest.Commit
	golden  string // empty while there is none
}

const folder = "testdata/repos"

func readRepositories(t *testing.T, words *strings.Replacer) []repository {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var all []repository
	for _, path := range paths {
		r, err := readRepository(path, words)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, r)
	}
	return all
}

// readRepository reads an archive. words replaces what is known only when the servers run.
func readRepository(path string, words *strings.Replacer) (repository, error) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		return repository{}, err
	}
	r := repository{
		name:    strings.TrimSuffix(filepath.Base(path), ".txtar"),
		archive: archive,
		history: []string{"-"},
		commit: egresstest.Commit{
			Files:    map[string]string{},
			Programs: map[string]string{},
			Symlinks: map[string]string{},
			Gitlinks: map[string]string{},
		},
	}
	if err := r.readHead(string(archive.Comment)); err != nil {
		return r, err
	}
	for _, f := range archive.Files {
		if f.Name == goldenFile {
			r.golden = string(f.Data)
			continue
		}
		if err := r.addFile(f.Name, words.Replace(string(f.Data))); err != nil {
			return r, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return r, nil
}

var headLine = regexp.MustCompile(`^([a-z]+): +(.*)$`)

func (r *repository) readHead(head string) error {
	for _, line := range strings.Split(head, "\n") {
		m := headLine.FindStringSubmatch(line)
		if m == nil {
			continue // prose
		}
		switch m[1] {
		case "setting":
			r.setting = append(r.setting, m[2])
		case "history":
			r.history = strings.Fields(m[2])
		default:
			if err := r.promise.add(m[1], m[2]); err != nil {
				return fmt.Errorf("%s: %w", line, err)
			}
		}
	}
	return r.promise.whole()
}

var formedName = regexp.MustCompile(`^(.*) \[([a-z0-9-]+)\]$`)

// addFile adds a file of the archive to the commit, in the form that its name asks for.
func (r *repository) addFile(name, text string) error {
	m := formedName.FindStringSubmatch(name)
	if m == nil {
		r.commit.Files[name] = text
		return nil
	}
	line := strings.TrimSuffix(text, "\n")
	switch name := m[1]; m[2] {
	case "link":
		r.commit.Symlinks[name] = line
	case "gitlink":
		r.commit.Gitlinks[name] = line
	case "program":
		r.commit.Programs[name] = text
	default:
		data, err := encode(text, m[2])
		r.commit.Files[name] = data
		return err
	}
	return nil
}

// encode writes a text as another program would have saved it.
func encode(text, form string) (string, error) {
	crlf := strings.ReplaceAll(text, "\n", "\r\n")
	switch form {
	case "crlf":
		return crlf, nil
	case "utf-8-bom":
		return "\ufeff" + text, nil
	case "utf-16": // as PowerShell's > does
		var b strings.Builder
		for _, unit := range utf16.Encode([]rune("\ufeff" + crlf)) {
			b.WriteByte(byte(unit))
			b.WriteByte(byte(unit >> 8))
		}
		return b.String(), nil
	case "latin-1":
		var b strings.Builder
		for _, c := range text {
			if c > 0xff {
				return "", fmt.Errorf("Latin-1 has no %q", c)
			}
			b.WriteByte(byte(c))
		}
		return b.String(), nil
	case "quoted": // Go strings, one a line, joined
		var b strings.Builder
		for _, line := range strings.Fields(text) {
			part, err := strconv.Unquote(line)
			if err != nil {
				return "", fmt.Errorf("unquote %s: %w", line, err)
			}
			b.WriteString(part)
		}
		return b.String(), nil
	}
	return "", fmt.Errorf("no such form of a file: %s", form)
}

// commits are the history: every commit holds the same files, and the last is built.
func (r *repository) commits() []egresstest.Commit {
	var all []egresstest.Commit
	for i, tag := range r.history {
		c := r.commit
		c.Message = fmt.Sprintf("Commit %d", i+1)
		if tag != "-" {
			c.Tag = tag
		}
		all = append(all, c)
	}
	return all
}

// writeGolden puts what a reader sees into the archive.
func (r *repository) writeGolden(text string) error {
	kept := slices.DeleteFunc(slices.Clone(r.archive.Files), func(f txtar.File) bool { return f.Name == goldenFile })
	a := txtar.Archive{
		Comment: r.archive.Comment,
		Files:   append(kept, txtar.File{Name: goldenFile, Data: []byte(text)}),
	}
	return os.WriteFile(filepath.Join(folder, r.name+".txtar"), txtar.Format(&a), 0o644)
}

// TestFilesAreEncodedAsOtherProgramsSaveThem is the control of the archives' forms.
func TestFilesAreEncodedAsOtherProgramsSaveThem(t *testing.T) {
	for form, want := range map[string]string{
		"crlf":      "ü\r\n",
		"utf-8-bom": "\xef\xbb\xbfü\n",
		"utf-16":    "\xff\xfe\xfc\x00\r\x00\n\x00",
		"latin-1":   "\xfc\n",
	} {
		if got, err := encode("ü\n", form); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", form, got, err, want)
		}
	}
	if got, err := encode("\"a\\x00\"\n\"b\"\n", "quoted"); err != nil || got != "a\x00b" {
		t.Errorf("quoted: got %q, %v", got, err)
	}
	for form, text := range map[string]string{"latin-1": "→", "quoted": "a", "unheard-of": ""} {
		if _, err := encode(text, form); err == nil {
			t.Errorf("%s of %q: want an error", form, text)
		}
	}
}
