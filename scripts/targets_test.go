package scripts_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// named finds the targets that a text tells its reader to make, in code spans and blocks.
var named = regexp.MustCompile("(?m)(?:^|`)make ([a-z_-]+)")

func TestTargetsThatTextsNameAreListedByMakeHelp(t *testing.T) {
	listed := targets(t)
	for _, file := range []string{"README.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile("../" + file)
		if err != nil {
			t.Fatal(err)
		}
		found := named.FindAllStringSubmatch(string(text), -1)
		if len(found) < 4 {
			t.Errorf("%s names only %d targets: is the pattern still right?", file, len(found))
		}
		for _, m := range found {
			if !listed[m[1]] {
				t.Errorf("%s names `make %s`, which make help does not list", file, m[1])
			}
		}
	}
}

// targets are those that make help lists.
func targets(t *testing.T) map[string]bool {
	t.Helper()
	help, err := exec.CommandContext(t.Context(), "make", "-C", "..", "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(help)) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "make" {
			listed[f[1]] = true
		}
	}
	return listed
}

var turns = regexp.MustCompile(`for target in ([a-z -]+);`)

func TestAllTargetsOfTestAllAreThere(t *testing.T) {
	text, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	m := turns.FindSubmatch(text)
	if m == nil {
		t.Fatal("test-all names no targets: is the pattern still right?")
	}
	listed := targets(t)
	for _, target := range strings.Fields(string(m[1])) {
		if !listed[target] {
			t.Errorf("make test-all makes %s, which make help does not list", target)
		}
	}
}
