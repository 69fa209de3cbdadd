package shell

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestAShellReadsWhatWasWritten asks a real shell: each word comes back as it was.
func TestAShellReadsWhatWasWritten(t *testing.T) {
	for _, argv := range [][]string{
		{"python", "-m", "unittest"},
		{"a b", "", "it's", `"$HOME"`, "`id`", "a\nb", "*", "~", "#", "!", `\`, "a;b", "ü"},
		{"--exclude=./a,./b", "x=1", "user@host:/path", "50%"},
	} {
		line := Line(argv)
		out, err := exec.CommandContext(t.Context(), "sh", "-c", `printf '%s\0' `+line).Output()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); !slices.Equal(got, argv) {
			t.Errorf("a shell reads %s as %q, want %q", line, got, argv)
		}
	}
}
