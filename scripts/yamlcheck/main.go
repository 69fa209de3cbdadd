// Command yamlcheck tells whether files are YAML: each document must parse, and no key may stand
// twice in a mapping.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"
)

func main() {
	status := 0
	for _, name := range os.Args[1:] {
		if err := check(name); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			status = 1
		}
	}
	os.Exit(status)
}

func check(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var document any // decoding it, unlike parsing, finds keys that stand twice
		err := d.Decode(&document)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
