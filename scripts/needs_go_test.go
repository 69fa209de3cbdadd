package scripts_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fakeGo is a PATH with the programs that make needs and a go that claims this version. Without a
// version there is no go.
func fakeGo(t *testing.T, version, toolchain string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"bash", "sh", "sed", "sort", "head", "dirname", "make", "git", "find"} {
		real, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(real, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if version != "" {
		script := fmt.Sprintf(
			"#!/bin/sh\ncase $2 in GOVERSION) echo %s ;; GOTOOLCHAIN) echo %s ;; *) echo worked; exit 7 ;; esac\n",
			version, toolchain)
		if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return "PATH=" + dir
}

// TestMakeSaysWhichGoIsNeededBeforeAnythingElse tries no Go, Debian 12's, and one that may not
// fetch another.
func TestMakeSaysWhichGoIsNeededBeforeAnythingElse(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	needed := string(regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(mod)[1])
	for name, tc := range map[string]struct{ version, toolchain, want string }{
		"none":                            {"", "", "there is none in PATH"},
		"Debian 12's":                     {"go1.19.8", "", "the one in PATH is 1.19.8"},
		"an old one that may fetch none":  {"go1.24.4", "local", "the one in PATH is 1.24.4, and GOTOOLCHAIN is local"},
		"an old one that fetches another": {"go1.24.4", "auto", ""},
		"the one":                         {"go" + needed, "local", ""},
		"a newer one":                     {"go1.100.0", "local", ""},
	} {
		for _, target := range []string{"build", "inits", "setup"} {
			if target == "setup" && tc.want == "" {
				continue // it would check this machine
			}
			cmd := exec.Command("make", "-C", "..", "needs=", target)
			cmd.Env = []string{fakeGo(t, tc.version, tc.toolchain), "HOME=" + t.TempDir()}
			out, err := cmd.CombinedOutput()
			said := strings.Contains(string(out), "Go "+needed+" or newer is needed")
			if tc.want == "" { // the control: make went on, and ran the fake go
				if said {
					t.Errorf("%s: make %s: %v\n%s", name, target, err, out)
				}
				continue
			}
			if err == nil || !said || !strings.Contains(string(out), tc.want) ||
				strings.Contains(string(out), "go build") {
				t.Errorf("%s: make %s: %v\n%s\nwant %q, and nothing done before", name, target, err, out, tc.want)
			}
		}
	}
}
