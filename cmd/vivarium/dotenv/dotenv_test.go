package dotenv

import (
	"os"
	"strings"
	"testing"
)

func TestDotenvPassesOverAByteOrderMark(t *testing.T) {
	for _, text := range []string{"VIVARIUM_PIDS=7\r\n", "\xef\xbb\xbfVIVARIUM_PIDS=7\n",
		"\xef\xbb\xbf# a comment\nVIVARIUM_PIDS=7"} {
		values, err := parse([]byte(text))
		if err != nil || values["VIVARIUM_PIDS"] != "7" || len(values) != 1 {
			t.Errorf("%q is read as %v, %v", text, values, err)
		}
	}
}

func TestDotenvNamesTheLineThatIsNone(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\n\n# x\nB C=geheim\n":                 "line 4 ",
		"geheim":                                   "line 1 ",
		"A=1\ngeheim":                              "line 2 ",
		"A=\"one\ntwo\"\n-geheim=1\nB=2\n":         "line 3 ",
		"A=1\nB=\"geheim\nC=2\n":                   "line 2 ",
		"\xff\xfeA\x00=\x001\x00\n\x00":            "UTF-16",
		strings.Repeat("# geheim\n", maxSize/9+99): "larger than 1 MiB",
	} {
		_, err := parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), ".env") || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "geheim") {
			t.Errorf("%.40q: got %v, want the file and %q, and no text of it", text, err, want)
		}
	}
	if values, err := parse([]byte("export A=1\nB='two words' # why\nC=\"one\ntwo\"\n")); err != nil ||
		len(values) != 3 {
		t.Errorf("control: %v, %v", values, err)
	}
}

func TestDotenvThatIsAFolderSaysSo(t *testing.T) {
	t.Chdir(t.TempDir())
	if values, err := Read(); values != nil || err != nil {
		t.Errorf("control: without one: %v, %v", values, err)
	}
	if err := os.Mkdir(".env", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(); err == nil || !strings.Contains(err.Error(), ".env: it is a folder") {
		t.Errorf("got %v", err)
	}
}
