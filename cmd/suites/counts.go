package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	lastLine = regexp.MustCompile(`(?m)^=* ?((?:\d+ [a-z]+, )*\d+ [a-z]+) in [\d.]+s(?: \([\d:]+\))? ?=*\r?$`)
	oneCount = regexp.MustCompile(`(\d+) ([a-z]+)`)
)

// countsOf reads the counts of pytest's last line, in an order that does not depend on it. How many
// warnings there were is no count of tests.
func countsOf(out string) (string, error) {
	lines := lastLine.FindAllStringSubmatch(out, -1)
	if len(lines) != 1 {
		return "", fmt.Errorf("%d last lines of pytest, not one, in:\n%s", len(lines), tail(out))
	}
	counts := map[string]string{}
	for _, m := range oneCount.FindAllStringSubmatch(lines[0][1], -1) {
		if kind := strings.TrimSuffix(m[2], "s"); kind != "warning" {
			counts[kind] = m[1]
		}
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, counts[kind]+" "+kind)
	}
	return strings.Join(parts, ", "), nil
}

func tail(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}
