package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWhatDiffersFromRunToRunIsMadeAlike(t *testing.T) {
	const sha = "da320f060450c515420ad77110f6571e12a808dc"
	tr := newTranscript(t.TempDir())
	tr.alike("<server>", "http://127.0.0.1:8001")
	tr.commit("green", sha)
	for text, want := range map[string]string{
		"http://127.0.0.1:8001/logs/1 of " + sha[:12]:         "<server>/logs/1 of <commit green>",
		"at " + sha + " by http://127.0.0.1:9/x":              "at <commit green> by http://<address>/x",
		"passed in 1 min 30 s, 12.75 MiB":                     "passed in <duration>, <size>",
		`"time_started":1795000000,"cpu_seconds":0.25`:        `"time_started":<time>,"cpu_seconds":<figure>`,
		"2026-11-30 19:53  Mon, 30 Nov 2026 19:53:31 GMT":     "<time> <time>",
		"exit code 2, 3 tests, line 12:5, HTTP 404, build 41": "exit code 2, 3 tests, line 12:5, HTTP 404, build 41",
		`"exit_code":1,"attempt":2,"queue_position":null`:     `"exit_code":1,"attempt":2,"queue_position":null`,
	} {
		if got := tr.normal(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestActsOfOneNameAreBothKept(t *testing.T) {
	tr := newTranscript(t.TempDir())
	for _, act := range []string{"GET /logs", "GET /logs/"} {
		if err := tr.write(act, act); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"GET_logs.txt", "GET_logs_2.txt"} {
		if _, err := os.Stat(filepath.Join(tr.dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestALogReadsTheSameHoweverItIsCut(t *testing.T) {
	const whole = "id: 3\nevent: chunk\ndata: {\"seq\":3,\"step\":\"test\",\"stream\":\"stderr\",\"text\":\"a ... ok\\n" +
		"\"}\n\n" +
		"event: verdict\ndata: {}"
	const cut = "id: 3\nevent: chunk\ndata: {\"seq\":3,\"step\":\"test\",\"stream\":\"stderr\",\"text\":\"a ...\"}\n\n" +
		"id: 4\nevent: chunk\ndata: {\"seq\":4,\"step\":\"test\",\"stream\":\"stderr\",\"text\":\" ok\\n\"}\n\n" +
		"event: verdict\ndata: {}"
	if a, b := joinPieces(whole), joinPieces(cut); a != b {
		t.Errorf("events: %q and %q", a, b)
	}
	const page, pieces = `<span class="stderr">a ... ok</span>`, `<span class="stderr">a ...</span><span ` +
		`class="stderr"> ok</span>`
	if a, b := joinPieces(page), joinPieces(pieces); a != b {
		t.Errorf("pages: %q and %q", a, b)
	}
	other := `<span class="stdout">a ...</span><span class="stderr"> ok</span>`
	if got := joinPieces(other); got != other {
		t.Errorf("two streams are joined: %q", got)
	}
}
