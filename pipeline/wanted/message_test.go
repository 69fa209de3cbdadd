package wanted

import "testing"

func TestACommitsMessageAsksNotToBeBuilt(t *testing.T) {
	for message, want := range map[string]string{
		"say hello":                        "",
		"say hello [skip ci]":              "[skip ci]",
		"[CI Skip] say hello":              "[ci skip]",
		"say hello\n\nand more [no ci] so": "[no ci]",
		"[skip actions]":                   "[skip actions]",
		"x\r\n\r\n[actions skip]\r\n":      "[actions skip]",
		"explain skip ci":                  "",
		"[skip  ci]":                       "",
		"[skip ci":                         "",

		"say hello\n\n\nskip-checks:true":                           "skip-checks: true",
		"say hello\n\n\nskip-checks: true\n":                        "skip-checks: true",
		"say hello\r\n\r\nSkip-Checks: true\r\n":                    "skip-checks: true",
		"say hello\n\nskip-checks: true\nCo-authored-by: A <a@b.c>": "skip-checks: true",
		"skip-checks: true":                                         "", // a subject is no trailer
		"say hello\n\nskip-checks: true\n\nand on":                  "", // not at the end
		"say hello\n\nskip-checks: false":                           "",
		"say hello\n\nnot skip-checks: true":                        "",
		"":                                                          "",
	} {
		if got := Marker(message); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}

func FuzzMarkerReadsAnyMessage(f *testing.F) {
	f.Add("say hello\n\n\nskip-checks:true")
	f.Fuzz(func(t *testing.T, message string) {
		if marker := Marker(message); marker != "" && (Rules{}).Decide(Push{Marker: marker}).Why == "" {
			t.Errorf("%q is skipped by %q and says nothing of it", message, marker)
		}
	})
}
