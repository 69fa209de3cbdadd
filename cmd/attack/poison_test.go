package attack

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"vivarium/sandbox/egress"
	"vivarium/sandbox/egress/egresstest"
)

// poison is what a hostile index does while it answers one build. That build must not get the wrong
// file, and a later one must get the right file.
type poison struct {
	tried string
	last  string // the link's end, after the file's name
	fault func(right egresstest.File) egresstest.Fault
}

func serving(suffix string, data []byte) egresstest.Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, suffix) {
				next.ServeHTTP(w, r)
				return
			}
			_, _ = w.Write(data)
		})
	}
}

var poisons = map[string]poison{
	"wrong-bytes": {"other bytes under the right hash", "", func(f egresstest.File) egresstest.Fault {
		return serving(".whl", append([]byte("evil"), f.Data[4:]...))
	}},
	"cut-off": {"the first half of the file, as if it were all", "", func(f egresstest.File) egresstest.Fault {
		return serving(".whl", f.Data[:len(f.Data)/2])
	}},
	"more": {"the file with something behind it", "", func(f egresstest.File) egresstest.Fault {
		return serving(".whl", append(f.Data[:len(f.Data):len(f.Data)], "evil"...))
	}},
	"metadata": {"other metadata under the right hash", ".metadata", func(egresstest.File) egresstest.Fault {
		return serving(".metadata", []byte("Metadata-Version: 2.1\nName: evil\nVersion: 1\nRequires-Dist: evil\n"))
	}},
}

// TestPoison lets the files' host give one build something else than the index names. All builds
// share the cache.
func TestPoison(t *testing.T) {
	for name, p := range sorted(poisons) {
		attack(t, name, p.tried, func(t *testing.T, l *line) {
			up, err := egresstest.StartIndex(egresstest.IndexConfig{})
			if err != nil {
				t.Fatal(err)
			}
			defer up.Close()
			right := egresstest.Wheel("target", "1.0", map[string]string{"target.py": strings.Repeat("x = 1\n", 1000)})
			up.Add(right)
			want := right.Data
			if p.last != "" {
				want = right.Metadata
			}
			cache := t.TempDir()
			u, err := url.Parse(up.URL())
			if err != nil {
				t.Fatal(err)
			}
			x, err := egress.NewIndex(egress.IndexConfig{
				Upstream: u, CacheDir: cache, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
			})
			if err != nil {
				t.Fatal(err)
			}
			up.SetFilesFault(p.fault(right))
			status, got := fetchFrom(t, x, p.last)
			if status == http.StatusOK && got != "" {
				t.Errorf("the build that asked first got %d bytes", len(got))
			}
			kept := checkCache(t, cache)
			up.SetFilesFault(nil)
			if _, good := fetchFrom(t, x, p.last); good != string(want) {
				t.Errorf("control: afterwards another build gets %d bytes, want %d", len(good), len(want))
			}
			l.control = fmt.Sprintf("the next build got the right file, and the cache kept %d", checkCache(t, cache))
			l.outcome = fmt.Sprintf("%d and no whole file; %d files kept of it", status, kept)
		})
	}
}

// fetchFrom asks as one build does: for the page, then for its link. text is empty unless it
// arrives whole.
func fetchFrom(t *testing.T, x *egress.Index, last string) (status int, text string) {
	t.Helper()
	s := httptest.NewServer(session(x))
	defer s.Close()
	get := func(path string) (int, string, error) {
		res, err := s.Client().Get(s.URL + path)
		if err != nil {
			return 0, "", err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return res.StatusCode, string(body), err
	}
	_, page, err := get("/simple/target/")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`/files/[0-9a-f]{32}/[^"#]+`).FindString(page)
	if link == "" {
		t.Fatalf("no link in %s", page)
	}
	status, text, err = get(link + last)
	if err != nil || status != http.StatusOK {
		return status, ""
	}
	return status, text
}

// checkCache counts the files that are kept. The hash of each must be its name.
func checkCache(t *testing.T, dir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "partial-") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if hex.EncodeToString(sum[:]) != filepath.Base(file) {
			t.Errorf("the cache keeps a wrong file under %s", filepath.Base(file))
		}
		kept++
	}
	return kept
}

// TestOthersLinks uses a link that another build was given.
func TestOthersLinks(t *testing.T) {
	w := theWorld(t)
	w.index.Add(egresstest.Wheel("private", "1.0", nil))
	attack(t, "index", "a link that another build was given", func(t *testing.T, l *line) {
		own, other := httptest.NewServer(session(w.runner.Index)), httptest.NewServer(session(w.runner.Index))
		defer own.Close()
		defer other.Close()
		res, err := own.Client().Get(own.URL + "/simple/private/")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		page, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		link := request("GET", regexp.MustCompile(`/files/[0-9a-f]{32}/[^"#]+`).FindString(string(page)), "")
		if code := inTheClear(t, own.URL, link); code != http.StatusOK {
			t.Errorf("control: the build itself is answered %d", code)
		}
		l.control = "the build itself gets the file"
		code := inTheClear(t, other.URL, link)
		if code != http.StatusNotFound {
			t.Errorf("the other one is answered %d", code)
		}
		l.outcome = fmt.Sprintf("the other one is answered %d", code)
	})
}
