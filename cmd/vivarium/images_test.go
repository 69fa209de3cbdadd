package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// listed lists the files of a folder.
func listed(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestExportsAtOnceAreEachWhole(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "image.tar")
	if err := os.WriteFile(file, []byte("an earlier one"), 0o600); err != nil {
		t.Fatal(err)
	}
	writes := func(text string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	}
	err := (&app{}).exportImage(file, func(w io.Writer) error {
		return errors.Join(writes("the first, ")(w), (&app{}).exportImage(file, writes("a second one")),
			writes("to its end")(w))
	})
	got, readErr := os.ReadFile(file)
	if err != nil || readErr != nil || string(got) != "the first, to its end" || listed(t, dir) != "image.tar" {
		t.Errorf("%v, %v: %q in %s", err, readErr, got, listed(t, dir))
	}
}

func TestExportThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	broken := errors.New("broken")
	fails := func(w io.Writer) error { _, err := io.WriteString(w, "a part"); return errors.Join(err, broken) }
	if err := (&app{}).exportImage(filepath.Join(dir, "image.tar"), fails); !errors.Is(err, broken) ||
		listed(t, dir) != "" {
		t.Errorf("%v, and there is %q", err, listed(t, dir))
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := (&app{}).exportImage(filepath.Join(dir, "folder"), func(io.Writer) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "name a file in it") || listed(t, dir) != "folder" {
		t.Errorf("%v, and there is %q", err, listed(t, dir))
	}
}

// For root, a wrong export would replace /dev/null by a file.
func TestExportReplacesNoDevice(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	end, err := os.OpenFile(pipe, os.O_RDWR, 0) // which does not wait for another process
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	if err := (&app{}).exportImage(pipe,
		func(w io.Writer) error { _, err := io.WriteString(w, "whole"); return err }); err != nil {
		t.Error(err)
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Fatalf("it is %v, %v", info.Mode(), err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(end, got); err != nil || string(got) != "whole" {
		t.Errorf("%q, %v", got, err)
	}
}
