package main

import (
	_ "embed"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vivarium/cmd/internal/harness"
	"vivarium/sandbox/egress/egresstest"
)

// control is planted in the repository as a credential would be: a search that misses it would miss
// a credential too.
const control = "e2e-planted-control-canary-0b6f"

// searchTest is a repository's test that looks for what it gets in encoded form: were it written
// out, it would find itself.
//
//go:embed testdata/search.py
var searchTest string

// TestCredentialsReachNoSandboxAndNoStorage: neither a build's programs, nor a user of the engine,
// nor a reader of the data directory can see the token or the webhook's secret.
func TestCredentialsReachNoSandboxAndNoStorage(t *testing.T) {
	w := newWorld(t, 1)
	w.Index.Add(egresstest.Wheel("greeter", "1.0", map[string]string{"greeter.py": "WORD = 'hello'\n"}))
	server, serverLog := w.serve()
	id, sha := w.push(map[string]string{
		"requirements.txt":  "greeter\n", // so that the index's cache is not empty
		"planted.txt":       "token = " + control + "\n",
		"tests/__init__.py": "",
		"tests/test_it.py":  searchTest,
		"tests/canaries.json": `{"token": "` + encode(harness.Token) + `", "secret": "` + encode(webhookSecret) +
			`", "control": "` + encode(control) + `"}`,
	})
	var log string
	w.until(3*time.Minute, "the test has searched", func() bool {
		_, log = w.get("/logs/" + id + "/raw")
		return strings.Contains(log, "SEARCHED") || w.build(id).State == "failed"
	})
	for _, place := range []string{"environment", "processes", "files", "git"} {
		want := "SEARCH " + place + ": control found, secret absent, token absent\n"
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	seen := map[string]string{"what the engine says of the container": w.inspect(), "the build's log": log}
	w.until(time.Minute, "the build passes", func() bool { return w.build(id).State == "passed" })
	for _, path := range []string{"/logs", "/logs/" + id, "/logs/" + id + "/raw", "/logs/" + id + "/events", "/readyz",
		"/openapi.json"} {
		_, seen[path] = w.get(path)
	}
	readFiles(t, w.data, seen) // with SQLite's write-ahead log
	if len(w.containers()) > 0 {
		w.until(time.Minute, "the container is gone", func() bool { return len(w.containers()) == 0 })
	}
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	seen["the server's log"] = serverLog.String()
	readFiles(t, w.data, seen)

	for where, text := range seen {
		for _, credential := range []string{harness.Token, webhookSecret} {
			if strings.Contains(text, credential) ||
				strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(credential))) {
				t.Errorf("a credential stands in %s", where)
			}
		}
	}
	for where, held := range map[string]string{
		"what the engine says of the container": w.instance(),
		"the server's log":                      sha,
		filepath.Join(w.data, "vivarium.db"):    sha,
	} {
		if !strings.Contains(seen[where], held) {
			t.Errorf("control: %s does not hold %s", where, held)
		}
	}
	if !holds(seen, "greeter-1.0") {
		t.Error("control: the index's cache was not among the files that were read")
	}
}

// encode is undone by search.py.
func encode(text string) string {
	b := []byte(text)
	for i := range b {
		b[i] ^= 0x5a
	}
	return base64.StdEncoding.EncodeToString(b)
}

// inspect is all that the engine knows of the running container.
func (w *world) inspect() string {
	w.t.Helper()
	ids := w.containers()
	if len(ids) != 1 {
		w.t.Fatalf("%d containers run, want one", len(ids))
	}
	_, raw, err := w.engine.ContainerInspectWithRaw(w.t.Context(), ids[0], true)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(raw)
}

// readFiles adds all files below dir.
func readFiles(t *testing.T, dir string, seen map[string]string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		seen[path] += string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func holds(seen map[string]string, part string) bool {
	for where, text := range seen {
		if strings.Contains(where, "/index") && strings.Contains(text+where, part) {
			return true
		}
	}
	return false
}
