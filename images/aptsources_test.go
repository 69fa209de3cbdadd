package images

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestBootstrapUsesTheHostsOwnDebianMirror(t *testing.T) {
	debian := []string{
		"deb http://deb.debian.org/debian bookworm main",
		"deb http://deb.debian.org/debian bookworm-updates main",
		"deb http://deb.debian.org/debian-security bookworm-security main",
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"deb822, another release, others' repositories beside it": {
			files: map[string]string{
				"etc/apt/sources.list.d/debian.sources": `# Debian
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: trixie trixie-updates trixie-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security/
Suites: trixie-security
Components: main
`,
				"etc/apt/sources.list.d/docker.list": "deb [arch=amd64 signed-by=/etc/k] " +
					"https://download.docker.example/linux/debian trixie stable\n",
				"etc/apt/sources.list.d/other.list": "deb https://apt.example/ trixie main\n",
			},
			want: []string{
				"deb http://mirror.example/debian bookworm main",
				"deb http://mirror.example/debian bookworm-updates main",
				"deb http://mirror.example/debian-security/ bookworm-security main",
			},
		},
		"one-line format, the release not first": {
			files: map[string]string{"etc/apt/sources.list": `# comment
deb-src http://a.example/debian bookworm main
deb [trusted=yes] https://b.example/debian bookworm-updates main # trailing
deb https://b.example/debian bookworm main non-free
deb https://b.example/debian bookworm main
`},
			want: []string{
				"deb https://b.example/debian bookworm main", "deb https://b.example/debian bookworm-updates main",
			},
		},
		"switched off, or no web address": {
			files: map[string]string{
				"etc/apt/sources.list": "deb cdrom:[Debian]/debian bookworm main\n",
				"etc/apt/sources.list.d/x.sources": `Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no
`,
			},
			want: debian,
		},
		"security alone is of no use": {
			files: map[string]string{
				"etc/apt/sources.list": "deb http://c.example/debian-security bookworm-security main\n",
			},
			want: debian,
		},
		"Ubuntu": {
			files: map[string]string{"etc/apt/sources.list": "deb http://archive.ubuntu.example/ubuntu noble main\n"},
			want:  debian,
		},
		"no apt": {want: debian},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{}
			for file, text := range c.files {
				root[file] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := debianSources(root); !slices.Equal(got, c.want) {
				t.Errorf("debianSources() = %q, want %q", got, c.want)
			}
		})
	}
}

// TestAMirrorsPasswordIsNotKept: builds can read the sources that a base was bootstrapped from.
func TestAMirrorsPasswordIsNotKept(t *testing.T) {
	sources := debianSources(fstest.MapFS{"etc/apt/sources.list": &fstest.MapFile{Data: []byte(
		"deb https://course:pass%40word@mirror.example:8443/debian bookworm main\n" +
			"deb https://course:pass%40word@mirror.example:8443/debian-security bookworm-security main\n")}})
	text := strings.Join(sources, "\n") + "\n"
	if strings.Count(text, "course:pass%40word@") != 2 {
		t.Fatalf("control: mmdebstrap is to install from the host's mirror, with its password: %q", sources)
	}
	if got := withoutPassword(strings.Fields(sources[0])[1]); got != "https://mirror.example:8443/debian" {
		t.Errorf("the mirror is shown as %s", got)
	}
	root := t.TempDir()
	list := filepath.Join(root, "etc/apt/sources.list.d/0000debian.list")
	if err := os.MkdirAll(filepath.Dir(list), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", forgetPasswords, "sh",
		root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	kept, err := os.ReadFile(list)
	if want := strings.ReplaceAll(text, "course:pass%40word@", ""); err != nil || string(kept) != want {
		t.Errorf("the base keeps %q, %v, want %q", kept, err, want)
	}
}
