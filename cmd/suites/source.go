package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// fetch gives a folder with the source as its authors published it, without Debian's changes.
func (w *world) fetch(ctx context.Context, s suite) (tree string, err error) {
	settings, err := w.lists(ctx, s.release)
	if err != nil {
		return "", err
	}
	said, err := command(ctx, "apt-get", append(settings, "source", "--print-uris", "-qq", s.source)...)
	if err != nil {
		return "", err
	}
	address, name, hash, err := original(string(said))
	if err != nil {
		return "", err
	}
	archive := filepath.Join(w.folder, name)
	if err := download(ctx, address, archive, hash); err != nil {
		return "", fmt.Errorf("fetch %s: %w", address, err)
	}
	tree = filepath.Join(w.folder, strings.Split(name, ".orig.")[0])
	if err := os.Mkdir(tree, 0o755); err != nil {
		return "", err
	}
	_, err = command(ctx, "tar", "-C", tree, "--strip-components=1", "--no-same-owner", "-xf", archive)
	if err != nil {
		return "", err
	}
	// They pin, for the project's own developers, versions that only PyPI has.
	return tree, os.RemoveAll(filepath.Join(tree, "requirements"))
}

// lists fetches a release's list of source packages, and returns the settings by which apt reads
// it: those of this machine stay as they are.
func (w *world) lists(ctx context.Context, release string) (settings []string, err error) {
	dir := filepath.Join(w.folder, release)
	file := filepath.Join(dir, "list.sources")
	settings = []string{
		"-o", "Dir::Etc::SourceList=" + file, "-o", "Dir::Etc::SourceParts=/dev/null",
		"-o", "Dir::State::Lists=" + filepath.Join(dir, "lists"), "-o", "Dir::Cache=" + filepath.Join(dir, "cache"),
		"-o", "APT::Sandbox::User=root",
	}
	if _, err := os.Stat(dir); err == nil {
		return settings, nil
	}
	for _, part := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, part), 0o700); err != nil {
			return nil, err
		}
	}
	text := fmt.Sprintf("Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\n"+
		"Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n", w.mirror, release)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	_, err = command(ctx, "apt-get", append(settings, "update", "-qq")...)
	return settings, err
}

var uri = regexp.MustCompile(`(?m)^'([^']+)' (\S+\.orig\.tar\.\S+) \d+ SHA256:([0-9a-f]{64})$`)

// original finds the authors' archive among the files that apt-get names.
func original(said string) (address, name, hash string, err error) {
	m := uri.FindStringSubmatch(said)
	if m == nil {
		return "", "", "", fmt.Errorf("apt-get names no archive of the authors': %s", said)
	}
	return m[1], m[2], m[3], nil
}

func download(ctx context.Context, address, file, hash string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != hash {
		return errors.New("it is not the file that Debian's list names")
	}
	return os.WriteFile(file, data, 0o600)
}

// command runs a program and gives what it printed.
func command(ctx context.Context, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(errs.Bytes()))
	}
	return out, nil
}
