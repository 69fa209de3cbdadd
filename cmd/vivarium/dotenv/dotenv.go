// Package dotenv reads .env of the working directory: lines NAME=value for the settings.
package dotenv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode"

	"github.com/joho/godotenv"
)

const (
	// File is read from the working directory.
	File = ".env"
	// maxSize is far more than all settings need.
	maxSize = 1 << 20
)

// Read reads .env of the working directory. A missing file sets nothing.
func Read() (map[string]string, error) {
	f, err := os.Open(File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w; make it readable or remove it", File, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("cannot read %s: it is a folder; remove it, or put a file with lines NAME=value in "+
			"its place", File)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w; make it readable or remove it", File, err)
	}
	return parse(text)
}

// byteOrderMark is what editors on Windows put before UTF-8. It has no meaning.
var byteOrderMark = []byte("\xef\xbb\xbf")

// parse reports a bad line by its number: the parser's own message quotes the line, which may
// hold a secret.
func parse(text []byte) (map[string]string, error) {
	text = bytes.TrimPrefix(text, byteOrderMark)
	switch {
	case len(text) > maxSize:
		return nil, fmt.Errorf("cannot read %s: it is larger than 1 MiB; see .env.sample", File)
	case bytes.ContainsRune(text, 0):
		return nil, fmt.Errorf("cannot read %s: it is no text in UTF-8, but perhaps in UTF-16; save it as UTF-8",
			File)
	}
	values, ok := parseLines(text)
	if !ok {
		return nil, fmt.Errorf("cannot read %s: line %d is not NAME=value; see .env.sample", File, badLine(text))
	}
	return values, nil
}

// badLine is the number of the first line that cannot be read. A quoted value may take several
// lines, so it is the line after the longest readable beginning of the file.
func badLine(text []byte) int {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for n := len(lines) - 1; n > 0; n-- {
		if _, ok := parseLines(bytes.Join(lines[:n], nil)); ok {
			return n + 1
		}
	}
	return 1
}

// parseLines parses lines whose last one may lack its newline. It adds one: without it, the parser
// would take a lone word there for a value without a name.
func parseLines(text []byte) (values map[string]string, ok bool) {
	values, err := godotenv.UnmarshalBytes(append(bytes.Clone(text), '\n'))
	if err != nil {
		return nil, false
	}
	for name := range values {
		if name == "" || strings.ContainsFunc(name, unicode.IsSpace) {
			return nil, false
		}
	}
	return values, true
}
