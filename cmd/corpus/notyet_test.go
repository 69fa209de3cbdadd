package corpus

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// notYetFile lists the repositories that the program does not build as is right yet, each with the
// reason. It only shrinks: a repository that is right and still stands there fails the test, and
// -update takes it out.
const notYetFile = "testdata/notyet.txt"

func readNotYet(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(notYetFile)
	if err != nil {
		t.Fatal(err)
	}
	table, err := parseNotYet(data)
	if err != nil {
		t.Fatalf("%s: %v", notYetFile, err)
	}
	return table
}

// parseNotYet reads the table: a name and, after a colon, why it is not right.
func parseNotYet(data []byte) (map[string]string, error) {
	table := map[string]string{}
	for line := range strings.Lines(string(data)) {
		name, why, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if _, twice := table[name]; !ok || why == "" || twice {
			return nil, fmt.Errorf("%q is no name and reason, or a second one", line)
		}
		table[name] = why
	}
	return table, nil
}

var tableFile sync.Mutex

// strike takes a repository out of the table.
func strike(name string) error {
	tableFile.Lock()
	defer tableFile.Unlock()
	data, err := os.ReadFile(notYetFile)
	if err != nil {
		return err
	}
	var kept bytes.Buffer
	for line := range bytes.Lines(data) {
		if !bytes.HasPrefix(line, []byte(name+": ")) {
			kept.Write(line)
		}
	}
	return os.WriteFile(notYetFile, kept.Bytes(), 0o644)
}

func TestTableOfWhatIsNotRightYetNeedsReasons(t *testing.T) {
	if table, err := parseNotYet([]byte("a: the reason\nb: another: one\n")); err != nil || table["b"] != "another: one" {
		t.Errorf("got %v, %v", table, err)
	}
	for _, text := range []string{"a\n", "a: \n", "a: x\na: y\n"} {
		if _, err := parseNotYet([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
