package egress

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vivarium/sandbox/egress/egresstest"
	"vivarium/sandbox/egress/simpleindex"
	"vivarium/sandbox/eventually"
)

// large is a wheel of well over holdBack bytes.
func large() egresstest.File {
	blob := make([]byte, 1<<20)
	for i, x := 0, uint32(1); i < len(blob); i++ {
		x = x*1664525 + 1013904223
		blob[i] = byte(x >> 24)
	}
	return egresstest.Wheel("large", "1.0", map[string]string{"blob": string(blob)})
}

func TestAFileIsFetchedOnceAndThenServedFromDisk(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{FilesTLS: true})
	f := large()
	up.Add(f)
	var dir string
	x := newIndex(t, up, func(c *IndexConfig) { dir = c.CacheDir })
	for range 2 {
		s, _ := newSession(t, x)
		if res, body, err := request(t, links(t, s, "large")[f.Name]); err != nil || res.StatusCode != 200 ||
			!bytes.Equal(body, f.Data) ||
			res.ContentLength != int64(len(f.Data)) {
			t.Fatalf("%d, %v, %d bytes", res.StatusCode, err, len(body))
		}
	}
	s, _ := newSession(t, x)
	link := links(t, s, "large")[f.Name]
	if res, body, err := request(t, link, "Range", "bytes=10-19"); err != nil || res.StatusCode != 206 ||
		!bytes.Equal(body, f.Data[10:20]) {
		t.Errorf("a range: %d, %v, %d bytes", res.StatusCode, err, len(body))
	}
	if res, err := http.Head(link); err != nil || res.StatusCode != 200 || res.ContentLength != int64(len(f.Data)) {
		t.Errorf("HEAD: %v, %v", res, err)
	}
	if got := len(up.FileRequests()); got != 1 {
		t.Errorf("fetched %d times, want once", got)
	}
	if names := ls(t, dir); len(names) != 1 || names[0] != f.SHA256() {
		t.Errorf("the cache holds %v, want only %s", names, f.SHA256())
	}
}

func ls(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestADamagedCacheEntryIsFetchedAgain(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	f := large()
	up.Add(f)
	var dir string
	x := newIndex(t, up, func(c *IndexConfig) { dir = c.CacheDir })
	s, _ := newSession(t, x)
	link := links(t, s, "large")[f.Name]
	want := func(fetches int) {
		t.Helper()
		if res, body, err := request(t, link); err != nil || res.StatusCode != 200 || !bytes.Equal(body, f.Data) {
			t.Errorf("%d, %v, %d bytes", res.StatusCode, err, len(body))
		}
		if got := len(up.FileRequests()); got != fetches {
			t.Errorf("fetched %d times, want %d", got, fetches)
		}
	}
	want(1)
	want(1)
	path := filepath.Join(dir, f.SHA256())
	damaged := bytes.Clone(f.Data)
	damaged[1000] ^= 1
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	// This test is not about clocks that are too coarse to tell the two writes apart.
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	want(2)
	if err := os.Truncate(path, 10); err != nil {
		t.Fatal(err)
	}
	want(3)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	want(4)

	// damaged while no server ran
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	x2 := newIndex(t, up, func(c *IndexConfig) { c.CacheDir = dir })
	s, _ = newSession(t, x2)
	link = links(t, s, "large")[f.Name]
	want(5)
	want(5)
}

func TestAWrongFileNeverArrivesCompleteAndIsNotKept(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	small, big := egresstest.Wheel("small", "1.0", nil), large()
	small.Hash, big.Hash = strings.Repeat("0", 64), strings.Repeat("1", 64)
	up.Add(small, big)
	var dir string
	x := newIndex(t, up, func(c *IndexConfig) { dir = c.CacheDir })
	s, n := newSession(t, x)
	if res, body, err := request(t, links(t, s, "small")[small.Name]); res.StatusCode != 502 ||
		!strings.Contains(string(body), "SHA-256") {
		t.Errorf("small: %d, %v, %q", res.StatusCode, err, body)
	}
	res, body, err := request(t, links(t, s, "large")[big.Name])
	// A fast download fails before anything was sent, and is answered as the small one.
	if (err == nil && res.StatusCode != 502) || len(body) >= len(big.Data) {
		t.Errorf("large: %d, %v, %d of %d bytes", res.StatusCode, err, len(body), len(big.Data))
	}
	if !n.contains("small-1.0-py3-none-any.whl") || !n.contains("large-1.0-py3-none-any.whl") {
		t.Errorf("the log has %q", n.all())
	}
	eventually.Holds(t, "no file is left", func() bool { return len(ls(t, dir)) == 0 })
}

func TestMetadataIsCheckedAgainstItsOwnHash(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	f := egresstest.Wheel("six", "1.0", nil)
	up.Add(f)
	var tamper atomic.Bool
	up.SetFilesFault(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if tamper.Load() {
				_, _ = io.WriteString(w, "Requires-Dist: evil\n")
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	tamper.Store(true)
	s, _ := newSession(t, newIndex(t, up, nil))
	link := links(t, s, "six")[f.Name] + ".metadata"
	if res, body, err := request(t, link); err != nil || res.StatusCode != 502 {
		t.Errorf("tampered: %d, %v: %s", res.StatusCode, err, body)
	}
	tamper.Store(false)
	if res, body, err := request(t, link); err != nil || res.StatusCode != 200 || !bytes.Equal(body, f.Metadata) {
		t.Errorf("%d, %v: %s", res.StatusCode, err, body)
	}
}

func TestAFileWithoutAHashIsPassedOnWithANoteAndNotKept(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	f := large()
	f.NoHash = true
	up.Add(f)
	var dir string
	x := newIndex(t, up, func(c *IndexConfig) { dir = c.CacheDir })
	s, n := newSession(t, x)
	link := links(t, s, "large")[f.Name]
	if res, body, err := request(t, link); err != nil || res.StatusCode != 200 || !bytes.Equal(body, f.Data) {
		t.Fatalf("%d, %v, %d bytes", res.StatusCode, err, len(body))
	}
	if !n.contains("large-1.0-py3-none-any.whl has no sha256") {
		t.Errorf("the log has %q", n.all())
	}
	if names := ls(t, dir); len(names) != 0 {
		t.Errorf("the cache holds %v", names)
	}
	up.SetFilesFault(egresstest.Truncate)
	if _, body, err := request(t, link); err == nil {
		t.Errorf("a broken file arrived as a complete one: %d bytes", len(body))
	}
}

func TestClientsShareOneDownloadWhichOutlivesItsFirst(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	f := large()
	up.Add(f)
	release := make(chan struct{})
	up.SetFilesFault(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-release
			next.ServeHTTP(w, r)
		})
	})
	x := newIndex(t, up, nil)
	first, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	s, _ := newSession(t, x)
	link := links(t, s, "large")[f.Name]
	go func() {
		defer close(gone)
		req, _ := http.NewRequestWithContext(first, "GET", link, nil)
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
		}
	}()
	readers := func() int {
		x.downloads.mu.Lock()
		defer x.downloads.mu.Unlock()
		readers := 0
		for _, t := range x.downloads.running {
			readers += t.readers
		}
		return readers
	}
	eventually.Holds(t, "one client reads", func() bool { return readers() == 1 })
	results := make(chan []byte, 4)
	for range cap(results) {
		s, _ := newSession(t, x)
		other := links(t, s, "large")[f.Name]
		go func() {
			res, err := http.Get(other)
			if err != nil {
				results <- nil
				return
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			results <- body
		}()
	}
	eventually.Holds(t, "all clients read", func() bool { return readers() == 1+cap(results) })
	cancel()
	<-gone
	eventually.Holds(t, "one client has left", func() bool { return readers() == cap(results) })
	close(release)
	for range cap(results) {
		if body := <-results; !bytes.Equal(body, f.Data) {
			t.Errorf("got %d bytes, want %d", len(body), len(f.Data))
		}
	}
	if got := len(up.FileRequests()); got != 1 {
		t.Errorf("fetched %d times, want once", got)
	}
	eventually.Holds(t, "nobody reads", func() bool { return readers() == 0 })
}

func TestADownloadThatNobodyWaitsForEnds(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	f := large()
	up.Add(f)
	ended := make(chan struct{})
	up.SetFilesFault(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			close(ended)
		})
	})
	var dir string
	x := newIndex(t, up, func(c *IndexConfig) { dir = c.CacheDir })
	s, _ := newSession(t, x)
	link := links(t, s, "large")[f.Name]
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", link, nil)
	answered := make(chan bool)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
		}
		answered <- err == nil
	}()
	eventually.Holds(t, "the file is asked for", func() bool { return len(up.FileRequests()) == 1 })
	cancel()
	if <-answered {
		t.Error("answered")
	}
	<-ended
	eventually.Holds(t, "no file is left", func() bool { return len(ls(t, dir)) == 0 })
}

func TestFilesAreBounded(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	f := large()
	up.Add(f)
	noHash := egresstest.Wheel("nohash", "1.0", nil)
	noHash.NoHash = true
	up.Add(noHash)
	var dir string
	x := newIndex(t, up, func(c *IndexConfig) { c.MaxFile, dir = 512<<10, c.CacheDir })
	s, n := newSession(t, x)
	link := links(t, s, "large")[f.Name]
	if res, body, _ := request(t, link); res.StatusCode != 403 ||
		!strings.Contains(string(body), "larger than the limit") {
		t.Errorf("with its size told: %d: %s", res.StatusCode, body)
	}
	up.SetFilesFault(egresstest.Endless("application/octet-stream"))
	if res, body, err := request(t, link); (err == nil && res.StatusCode != 403) || len(body) > 512<<10 {
		t.Errorf("endless: %d, %v, %d bytes", res.StatusCode, err, len(body))
	}
	if _, body, err := request(t, links(t, s, "nohash")[noHash.Name]); err == nil || len(body) > 512<<10 {
		t.Errorf("endless without a hash: %v, %d bytes", err, len(body))
	}
	if !n.contains("larger than the limit") {
		t.Errorf("the log has %q", n.all())
	}
	eventually.Holds(t, "no file is left", func() bool { return len(ls(t, dir)) == 0 })
}

func TestTheCacheIsBoundedByTheLeastRecentlyUsed(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	var files []egresstest.File
	for _, name := range []string{"aa", "bb", "cc"} {
		files = append(files, egresstest.Wheel(name, "1.0", map[string]string{"x.py": strings.Repeat(name, 5000)}))
	}
	up.Add(files...)
	size := int64(len(files[0].Data))
	var dir string
	x := newIndex(t, up, func(c *IndexConfig) { c.MaxCache, dir = 2*size+size/2, c.CacheDir })
	s, _ := newSession(t, x)
	for _, name := range []string{"aa", "bb", "aa", "cc"} {
		if res, _, err := request(t, links(t, s, name)[name+"-1.0-py3-none-any.whl"]); err != nil ||
			res.StatusCode != 200 {
			t.Fatalf("%s: %d, %v", name, res.StatusCode, err)
		}
	}
	for i, want := range []bool{true, false, true} {
		if _, err := os.Stat(filepath.Join(dir, files[i].SHA256())); (err == nil) != want {
			t.Errorf("%s is kept: %v, want %v", files[i].Name, err == nil, want)
		}
	}
}

func TestWithoutAFolderNothingIsKept(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	f := large()
	up.Add(f)
	x := newIndex(t, up, func(c *IndexConfig) { c.CacheDir = "" })
	s, _ := newSession(t, x)
	link := links(t, s, "large")[f.Name]
	for range 2 {
		if res, body, err := request(t, link); err != nil || res.StatusCode != 200 || !bytes.Equal(body, f.Data) {
			t.Fatalf("%d, %v, %d bytes", res.StatusCode, err, len(body))
		}
	}
	if got := len(up.FileRequests()); got != 2 {
		t.Errorf("fetched %d times, want twice", got)
	}
	eventually.Holds(t, "no temporary file is left", func() bool { return len(ls(t, os.TempDir())) == 0 })
}

func TestDebiansWheelsArePassedOn(t *testing.T) {
	if _, err := os.Stat(egresstest.DebianWheels); err != nil {
		t.Skip("needs Debian's python3-setuptools-whl and python3-wheel-whl")
	}
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	if err := up.AddDir(egresstest.DebianWheels); err != nil {
		t.Fatal(err)
	}
	s, _ := newSession(t, newIndex(t, up, nil))
	for name, link := range links(t, s, "setuptools") {
		want, err := os.ReadFile(filepath.Join(egresstest.DebianWheels, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, body, err := request(t, link); err != nil || !bytes.Equal(body, want) {
			t.Errorf("%s: %d bytes, %v", name, len(body), err)
		}
	}
}

func BenchmarkCachedFile(b *testing.B) {
	f := large()
	u, _ := url.Parse("http://index.example/simple/")
	dir := b.TempDir()
	x, err := NewIndex(IndexConfig{Upstream: u, CacheDir: dir})
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, f.SHA256()), f.Data, 0o600); err != nil {
		b.Fatal(err)
	}
	page := `<a href="/` + f.Name + "#sha256=" + f.SHA256() + `">`
	links, err := x.rooms.Read(b.Context(), simpleindex.Source{
		URL: u, Own: true, ContentType: simpleindex.PlainType,
		Open: func() (io.Reader, error) { return strings.NewReader(page), nil },
	})
	if err != nil || len(links) != 1 {
		b.Fatalf("%d links, %v", len(links), err)
	}
	s := x.Session(func(string) {}, 0)
	s.links[links[0].ID] = links[0]
	server := httptest.NewServer(s)
	b.Cleanup(server.Close)
	b.SetBytes(int64(len(f.Data)))
	for b.Loop() {
		res, err := http.Get(server.URL + simpleindex.FilesPath + links[0].ID + "/" + f.Name)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, res.Body); err != nil || n != int64(len(f.Data)) {
			b.Fatalf("%d bytes, %v", n, err)
		}
		res.Body.Close()
	}
}
