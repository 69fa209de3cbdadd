//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// The image's users, and the sandbox's. /etc/passwd of the image is a link to the second file.
const (
	imageUsers = "/opt/vivarium/passwd"
	users      = "/opt/vivarium/user/passwd"
)

// nameUser gives the sandbox's user the same name and home in every sandbox. The user's id differs
// from sandbox to sandbox.
func nameUser(from, to string, uid, gid int) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("read the image's users: %w", err)
	}
	if err := os.WriteFile(to, withUser(text, uid, gid), 0o644); err != nil {
		return fmt.Errorf("write the sandbox's users: %w", err)
	}
	return nil
}

// withUser gives passwd(5) with exactly one line for the user's name and id.
func withUser(passwd []byte, uid, gid int) []byte {
	const name = "vivarium"
	var b bytes.Buffer
	for line := range strings.Lines(string(passwd)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if f[0] == name || len(f) > 2 && f[2] == fmt.Sprint(uid) {
			continue
		}
		b.WriteString(strings.Join(f, ":") + "\n")
	}
	fmt.Fprintf(&b, "%s:x:%d:%d::/home/vivarium:/bin/sh\n", name, uid, gid)
	return b.Bytes()
}
