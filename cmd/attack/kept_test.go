package attack

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"vivarium/sandbox/egress"
	"vivarium/sandbox/egress/egresstest"
)

// TestKeptFiles changes a file in the index's cache. A later process must still serve what the
// index names.
func TestKeptFiles(t *testing.T) {
	w := theWorld(t)
	w.index.Add(egresstest.Wheel("kept", "1.0", map[string]string{"kept.py": "WORD = 'right'\n"}))
	attack(t, "changed-on-disk", "other bytes in the cache under the right hash", func(t *testing.T, l *line) {
		dir := t.TempDir()
		download := func() []byte {
			x, err := w.openIndex(dir)
			if err != nil {
				t.Fatal(err)
			}
			s := httptest.NewServer(session(x))
			defer s.Close()
			page, _ := fetch(t, s, "/simple/kept/")
			link := regexp.MustCompile(`href="([^"#]*)`).FindSubmatch(page)
			if link == nil {
				t.Fatalf("the page holds no link: %s", page)
			}
			file, _ := fetch(t, s, string(link[1]))
			return file
		}
		right := download()
		kept, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(kept) != 1 {
			t.Fatalf("control: the cache holds %q, %v", kept, err)
		}
		l.control = "the file is kept there after the first download"
		if err := os.WriteFile(kept[0], append([]byte("evil"), right[4:]...), 0o600); err != nil {
			t.Fatal(err)
		}
		if again := download(); !bytes.Equal(again, right) {
			t.Errorf("the changed file is served: %.20q", again)
		}
		l.outcome = "the right file is served"
	})
}

// TestGitBound lets a git host send more than one repository may have.
func TestGitBound(t *testing.T) {
	w := theWorld(t)
	source := w.commit(t, map[string]string{"a.py": ""})
	attack(t, "answer", "an answer that is larger than the bound", func(t *testing.T, l *line) {
		answer := func(most int64) ([]byte, error) {
			s := httptest.NewServer(egress.NewGit(egress.GitConfig{Upstream: source.URL, Token: token, MaxBytes: most}))
			defer s.Close()
			return fetch(t, s, egress.GitPath+advertise)
		}
		whole, err := answer(1 << 20)
		if err != nil || !strings.Contains(string(whole), "git-upload-pack") {
			t.Errorf("control: within its bound it is %q, %v", whole, err)
		}
		l.control = fmt.Sprintf("within its bound %d bytes arrive", len(whole))
		const most = 64
		cut, err := answer(most)
		if err == nil || len(cut) > most {
			t.Errorf("%d bytes arrive, and the error is %v", len(cut), err)
		}
		l.outcome = fmt.Sprintf("cut off within %d bytes: %v", most, err)
	})
}

// fetch returns the part of an answer that arrives, and the reason why it is not whole.
func fetch(t *testing.T, s *httptest.Server, path string) ([]byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}
