package people

import "testing"

func TestHideNameLeavesOtherNames(t *testing.T) {
	for text, want := range map[string]string{
		"octo/a":                    "X",
		"Octo/A":                    "X",
		"renamed octo/a to":         "renamed X to",
		"octo/a, octo/b and octo/a": "X, octo/b and X",
		"octo/ab":                   "octo/ab",
		"octo/a-b octo/a":           "octo/a-b X",
		"octo/a.b":                  "octo/a.b",
		"rocto/a":                   "rocto/a",
		"octo/a/b":                  "octo/a/b",
		"'octo/a':read":             "'X':read",
		"":                          "",
	} {
		if got := hideName(text, "octo/a", "X"); got != want {
			t.Errorf("hideName(%q) = %q, want %q", text, got, want)
		}
	}
}
