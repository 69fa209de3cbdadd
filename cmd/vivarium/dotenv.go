package main

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
	// dotenvFile is read from the working directory.
	dotenvFile = ".env"
	// maxDotenv is far more than all settings need.
	maxDotenv = 1 << 20
)

// readDotenv reads .env of the working directory. A missing file sets nothing.
func readDotenv() (map[string]string, error) {
	f, err := os.Open(dotenvFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w; make it readable or remove it", dotenvFile, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("cannot read %s: it is a folder; remove it, or put a file with lines NAME=value in "+
			"its place", dotenvFile)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxDotenv+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w; make it readable or remove it", dotenvFile, err)
	}
	return parseDotenv(text)
}

// byteOrderMark is what editors on Windows put before UTF-8. It has no meaning.
var byteOrderMark = []byte("\xef\xbb\xbf")

// parseDotenv reports a bad line by its number: the parser's own message quotes the line, which may
// hold a secret.
func parseDotenv(text []byte) (map[string]string, error) {
	text = bytes.TrimPrefix(text, byteOrderMark)
	switch {
	case len(text) > maxDotenv:
		return nil, fmt.Errorf("cannot read %s: it is larger than 1 MiB; see .env.sample", dotenvFile)
	case bytes.ContainsRune(text, 0):
		return nil, fmt.Errorf("cannot read %s: it is no text in UTF-8, but perhaps in UTF-16; save it as UTF-8",
			dotenvFile)
	}
	values, ok := dotenvLines(text)
	if !ok {
		return nil, fmt.Errorf("cannot read %s: line %d is not NAME=value; see .env.sample", dotenvFile, badLine(text))
	}
	return values, nil
}

// badLine is the number of the first line that cannot be read. A quoted value may take several
// lines, so it is the line after the longest readable beginning of the file.
func badLine(text []byte) int {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for n := len(lines) - 1; n > 0; n-- {
		if _, ok := dotenvLines(bytes.Join(lines[:n], nil)); ok {
			return n + 1
		}
	}
	return 1
}

// dotenvLines parses lines whose last one may lack its newline. It adds one: without it, the parser
// would take a lone word there for a value without a name.
func dotenvLines(text []byte) (values map[string]string, ok bool) {
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
