package main

import (
	"strings"
	"testing"
)

const passing = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"chatter of A\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
`

const skipping = `{"Action":"output","Package":"p","Test":"TestB/sub","Output":"no engine here\n"}
{"Action":"skip","Package":"p","Test":"TestB/sub"}
`

const failing = `{"Action":"output","Package":"p","Test":"TestC","Output":"got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestC"}
`

const packagePasses = `{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`

const packageFails = `{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`

func TestReport(t *testing.T) {
	for name, tc := range map[string]struct {
		events, shown string
		bad           bool // an error besides go test's own exit code
	}{
		"passed": {passing + packagePasses, "ok  \tp\t0.1s\n1 tests passed, 0 were skipped\n", false},
		"skipped": {
			passing + skipping + packagePasses,
			"ok  \tp\t0.1s\nno engine here\n1 tests passed, 1 were skipped\n",
			true,
		},
		"failed": {
			passing + failing + packageFails,
			"got 1, want 2\nFAIL\tp\t0.1s\n1 tests passed, 0 were skipped\n",
			false,
		},
		"no tests": {packagePasses, "ok  \tp\t0.1s\n0 tests passed, 0 were skipped\n", true},
		"not built": {`{"Action":"build-output","ImportPath":"p","Output":"main.go:1: undefined: x\n"}` + "\n" +
			passing + packageFails,
			"main.go:1: undefined: x\nFAIL\tp\t0.1s\n1 tests passed, 0 were skipped\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			var shown strings.Builder
			r := newReport(&shown)
			if err := r.read(strings.NewReader(tc.events)); err != nil {
				t.Fatal(err)
			}
			if err := r.verdict(); (err != nil) != tc.bad {
				t.Errorf("verdict: %v", err)
			}
			if shown.String() != tc.shown {
				t.Errorf("shown:\n%q\nwant:\n%q", shown.String(), tc.shown)
			}
		})
	}
}

func TestReportRefusesWhatIsNotEvents(t *testing.T) {
	if err := newReport(&strings.Builder{}).read(strings.NewReader(passing + "panic: lost\n")); err == nil {
		t.Error("accepted")
	}
}
