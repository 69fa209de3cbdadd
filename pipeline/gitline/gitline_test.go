package gitline

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryCommandRunsNoOtherProgramAndAsksNobody(t *testing.T) {
	c := Command("fetch", "--depth=1", "x")
	if want := []string{"fetch", "--depth=1", "x"}; c.Argv[0] != "git" || !slices.Equal(c.Argv[len(c.Argv)-3:], want) {
		t.Fatalf("got %q", c.Argv)
	}
	line := strings.Join(c.Argv, " ")
	for _, option := range []string{"core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.allow=never",
		"http.followRedirects=false", "credential.helper="} {
		if at := strings.Index(line, " -c "+option+" "); at < 0 || at > strings.Index(line, " fetch ") {
			t.Errorf("%s is not set before the command: %s", option, line)
		}
	}
	for _, name := range []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0"} {
		if !slices.Contains(c.Env, name) {
			t.Errorf("%s is not set: %q", name, c.Env)
		}
	}
}

func TestOnlyWholeObjectNamesAreCommitIDs(t *testing.T) {
	for id, want := range map[string]bool{
		strings.Repeat("a", 40): true, strings.Repeat("0", 64): true, strings.Repeat("a", 39): false,
		strings.Repeat("A", 40): false, strings.Repeat("a", 40) + "\n": false, "--upload-pack=x": false, "": false,
	} {
		if got := CommitID.MatchString(id); got != want {
			t.Errorf("%q: got %v, want %v", id, got, want)
		}
	}
}
