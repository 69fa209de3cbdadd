package attack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"vivarium/cmd/internal/harness"
)

// TestOutputInTheTerminal lets the command line show the hostile build under a pseudo-terminal.
func TestOutputInTheTerminal(t *testing.T) {
	s := serve(t)
	file := filepath.Join(t.TempDir(), "hostile.bin")
	if err := os.WriteFile(file, []byte(escapes+markup("")), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := dangers(inTerminal(t, exec.Command("cat", file)))
	tree := hostileFolder(t)
	id := s.pushHostile(t, "http://evil.example")
	for _, c := range []struct {
		name string
		args []string
		ends int // exit code
		want string
	}{
		{"log-while-it-grows", []string{"builds", "log", "--follow", id}, 0, "END OF OUTPUT"},
		{"log", []string{"builds", "log", id}, 0, "END OF OUTPUT"},
		{"list", []string{"builds", "list", "--limit=5"}, 0, "octo/hostile"},
		{"build", []string{"builds", "show", id}, 0, "hostile commit"},
		{"run", []string{"run", tree}, 1, "END OF OUTPUT"},
	} {
		attack(t, c.name, "vivarium "+strings.Join(c.args[:len(c.args)-1], " ")+
			" of hostile output", func(t *testing.T, l *line) {
			if len(plain) < 20 {
				t.Errorf("control: cat of the same bytes lets only these through: %q", plain)
			}
			l.control = fmt.Sprintf("cat of the same bytes lets %d kinds through", len(plain))
			cmd := s.commandLine(t, c.args...)
			out := inTerminal(t, cmd)
			if code := cmd.ProcessState.ExitCode(); code != c.ends || !strings.Contains(out, c.want) {
				t.Errorf("it exited with %d:\n%q", code, out)
			}
			if found := dangers(out); len(found) > 0 {
				t.Errorf("these reach the terminal: %q", found)
			}
			if strings.HasPrefix(c.name, "log") && !strings.Contains(out, "\x1b[31mred\x1b[0m") {
				t.Error("control: colour does not pass")
			}
			l.outcome = fmt.Sprintf("of %d bytes only text and colours", len(out))
		})
	}
}

// hostileFolder is a working tree with hostile texts, in a folder with a hostile name.
func hostileFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "\x1b]0;folder\x07\u202e")
	for path, text := range hostileTree("http://evil.example") {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// commandLine is a command of `vivarium` beside the server.
func (s *served) commandLine(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(vivarium(t), args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(append(harness.Environ(), imageSettings(t)...), "TERM=xterm-256color", "NO_COLOR=",
		"VIVARIUM_DATA_DIR="+s.DataDir, "VIVARIUM_INDEX_URL="+s.Index.URL(), "VIVARIUM_INDEX_ALLOW=127.0.0.1/32")
	return cmd
}

// inTerminal runs a command under a pseudo-terminal and gives what it wrote there. The caller
// checks how the command ended.
func inTerminal(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	master, slave := openTerminal(t)
	defer master.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err := cmd.Start()
	slave.Close()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := io.Copy(&out, master); err != nil && !errors.Is(err, unix.EIO) { // EIO: the other side is closed
		t.Error(err)
	}
	_ = cmd.Wait()
	return out.String()
}

func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

var (
	colours  = regexp.MustCompile(`\x1b\[[0-9;:]*m`)
	progress = regexp.MustCompile(`\r\x1b\[K`) // the product's own: it writes its line of progress anew
	sequence = regexp.MustCompile(`^\x1b(\[[^@-~]*[@-~]?|.?)`)
)

// dangers are the kinds of things in a terminal's input that do more than write text in colours.
// Each is named once.
func dangers(out string) []string {
	out = progress.ReplaceAllString(colours.ReplaceAllString(out, ""), "")
	out = strings.ReplaceAll(out, "\r\n", "\n")
	found := map[string]bool{}
	for len(out) > 0 {
		r, n := utf8.DecodeRuneInString(out)
		switch {
		case r == '\x1b':
			found[sequence.FindString(out)] = true
		case r == utf8.RuneError && n == 1:
			found[fmt.Sprintf("byte %#x", out[0])] = true
		case r == '\n' || r == '\t':
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			found[fmt.Sprintf("U+%04X", r)] = true
		}
		out = out[n:]
	}
	var kinds []string
	for kind := range found {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}
