package images

import (
	"strings"
	"testing"
)

func TestNameIsCheckedBeforeTheEngineSeesIt(t *testing.T) {
	for name, ok := range map[string]bool{
		"python-3.11": true, "a": true, "py_3": true, strings.Repeat("a", 64): true,
		"": false, "Python": false, "-x": false, "a:b": false, "a/b": false, "a b": false,
		strings.Repeat("a", 65): false,
	} {
		if err := checkName(name); (err == nil) != ok {
			t.Errorf("checkName(%q) = %v, want ok %v", name, err, ok)
		}
	}
}

func TestNameThatPromisesAPythonIsHeldToIt(t *testing.T) {
	for _, c := range []struct {
		name, version string
		ok            bool
	}{
		{"python-3.11", "3.11.2", true},
		{"python-3.11", "3.13.5", false},
		{"python-3.1", "3.11.2", false},
		{"mine", "3.9.1", true},
	} {
		if err := checkPython(c.name, c.version); (err == nil) != c.ok {
			t.Errorf("checkPython(%q, %q) = %v, want ok %v", c.name, c.version, err, c.ok)
		}
	}
}

func TestBaseIsPinnedByDigest(t *testing.T) {
	const id, digest = "sha256:1111", "sha256:2222"
	for _, c := range []struct {
		ref     string
		digests []string
		want    string
	}{
		{"python:3.11-slim-bookworm", []string{"python@" + digest}, "python:3.11-slim-bookworm@" + digest},
		{"python@" + digest, []string{"python@" + digest}, "python@" + digest},
		{"mine:latest", nil, "mine:latest@" + id},
		{id, nil, id},
	} {
		if got := pinned(c.ref, id, c.digests); got != c.want {
			t.Errorf("pinned(%q) = %q, want %q", c.ref, got, c.want)
		}
	}
}

func TestMissingInitSaysHowToGetIt(t *testing.T) {
	_, _, err := initBinary{arch: "none"}.read()
	if err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("embedded: error = %v, want one that names `make build`", err)
	}
	_, _, err = initBinary{dir: t.TempDir(), arch: "amd64"}.read()
	if err == nil || !strings.Contains(err.Error(), "vivarium-init-linux-amd64") {
		t.Errorf("folder: error = %v, want one that names the file", err)
	}
}
