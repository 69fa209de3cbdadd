package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/joho/godotenv"
)

// dotenvFile is read from the working directory.
const dotenvFile = ".env"

// readDotenv reads the working directory's .env; one that is not there says nothing.
func readDotenv() (map[string]string, error) {
	f, err := os.Open(dotenvFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w; make it readable or remove it", dotenvFile, err)
	}
	defer f.Close()
	values, err := godotenv.Parse(f)
	if err != nil {
		// The parser's own message quotes the line, which may hold a secret.
		return nil, fmt.Errorf("cannot read %s: a line is not NAME=value; see .env.sample", dotenvFile)
	}
	return values, nil
}
