package egress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vivarium/sandbox/egress/egresstest"
	"vivarium/sandbox/eventually"
	"vivarium/sandbox/filecache"
)

// free reports whether all of the cache's room is free.
func free(t *testing.T, x *Index) bool {
	t.Helper()
	w, err := x.cache.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.Reserve(x.share*sessionShare) == nil
}

// onDisk is what the folder holds.
func onDisk(t *testing.T, dir string) int64 {
	t.Helper()
	var n int64
	for _, name := range ls(t, dir) {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			n += info.Size()
		}
	}
	return n
}

// undeclared makes upstream send a file without saying how long it is.
func undeclared(data []byte) egresstest.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(data)
		})
	}
}

// huge is a file larger than is spooled when the length is not declared.
func huge() egresstest.File {
	f := egresstest.Wheel("huge", "1.0", nil)
	f.Data = bytes.Repeat([]byte("0123456789abcdef"), (spoolMax+(8<<20))/16)
	return f
}

func TestAFileThatNeverEndsDoesNotGrowOnTheDisk(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	f := large()
	up.Add(f)
	up.SetFilesFault(egresstest.Endless("application/octet-stream"))
	var dir string
	x := newIndex(t, up, func(c *IndexConfig) { c.MaxFile, dir = 256<<20, c.CacheDir })
	s, n := newSession(t, x)
	link := links(t, s, "large")[f.Name]
	var peak atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for ctx.Err() == nil {
			peak.Store(max(peak.Load(), onDisk(t, dir)))
			time.Sleep(time.Millisecond)
		}
	}()
	_, body, err := request(t, link)
	stop()
	<-watched
	if err == nil || int64(len(body)) < spoolMax || len(body) > 256<<20 {
		t.Errorf("%d bytes, %v; want it broken off at the limit", len(body), err)
	}
	if got := peak.Load(); got == 0 || got > spoolMax {
		t.Errorf("the cache's folder grew to %d bytes, want at most %d", got, spoolMax)
	}
	if !n.contains("its host does not say how much") || !n.contains("larger than the limit") {
		t.Errorf("the log has %q", n.all())
	}
	eventually.Holds(t, "no file is left, and its room is free",
		func() bool { return len(ls(t, dir)) == 0 && free(t, x) })
}

func TestALongFileOfUndeclaredLengthArrivesCheckedAndIsNotKept(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	f := huge()
	up.Add(f)
	up.SetFilesFault(undeclared(f.Data))
	var dir string
	x := newIndex(t, up, func(c *IndexConfig) { dir = c.CacheDir })
	s, n := newSession(t, x)
	link := links(t, s, "huge")[f.Name]
	if res, body, err := request(t, link); err != nil || res.StatusCode != 200 || !bytes.Equal(body, f.Data) {
		t.Errorf("%d, %v, %d of %d bytes; the log has %q", res.StatusCode, err, len(body), len(f.Data), n.all())
	}
	eventually.Holds(t, "no file is left, and its room is free",
		func() bool { return len(ls(t, dir)) == 0 && free(t, x) })

	for name, at := range map[string]int{"at its beginning": 100, "at its end": len(f.Data) - 1} {
		var calls atomic.Int32
		wrong := bytes.Clone(f.Data)
		wrong[at] ^= 1
		up.SetFilesFault(func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				data := wrong
				if calls.Add(1) > 1 && at < 1000 {
					data = f.Data // the right file at last, but the client has the wrong beginning
				}
				undeclared(data)(nil).ServeHTTP(w, r)
			})
		})
		if _, body, err := request(t, link); err == nil || len(body) >= len(f.Data) {
			t.Errorf("wrong %s: it arrived complete, %d bytes", name, len(body))
		}
	}
}

func TestAFileLargerThanTheBuildsDiskIsRefusedAtOnce(t *testing.T) {
	for name, tell := range map[string]bool{"by its host": false, "by the index": true} {
		t.Run(name, func(t *testing.T) {
			up := egresstest.IndexFor(t, egresstest.IndexConfig{})
			f := large()
			up.Add(f)
			x := newIndex(t, up, nil)
			n := &notes{}
			ss := x.Session(n.add, 512<<10)
			s := serve(t, ss)
			link := links(t, s, "large")[f.Name]
			for _, l := range ss.links {
				l.Size = 0
				if tell {
					l.Size = int64(len(f.Data))
				}
			}
			res, body, err := request(t, link)
			if err != nil || res.StatusCode != 403 ||
				!strings.Contains(string(body), "the build's disk: it has 1.001 MiB") {
				t.Errorf("%d, %v: %s", res.StatusCode, err, body)
			}
			if !n.contains("the build's disk") {
				t.Errorf("the log has %q", n.all())
			}
			if got := len(up.FileRequests()); tell && got != 0 {
				t.Errorf("%d requests were made all the same", got)
			}
			// Another build with more room gets the file, also from the cache. The first build is
			// still refused.
			roomy, _ := newSession(t, x)
			if res, _, err := request(t, links(t, roomy, "large")[f.Name]); err != nil || res.StatusCode != 200 {
				t.Errorf("control: %d, %v", res.StatusCode, err)
			}
			if res, _, _ := request(t, link); res.StatusCode != 403 {
				t.Errorf("from the cache: %d", res.StatusCode)
			}
		})
	}
}

func TestAFileForWhichThereIsNoRoomIsPassedOn(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	f := large()
	up.Add(f)
	var dir string
	x := newIndex(t, up, func(c *IndexConfig) { c.MaxCache, dir = 512<<10, c.CacheDir })
	s, n := newSession(t, x)
	if res, body, err := request(t, links(t, s, "large")[f.Name]); err != nil || res.StatusCode != 200 ||
		!bytes.Equal(body, f.Data) {
		t.Errorf("%d, %v, %d bytes", res.StatusCode, err, len(body))
	}
	if !n.contains("has no room beside what is being read: not kept, but passed on") {
		t.Errorf("the log has %q", n.all())
	}
	// The part that was written is removed once the file's last byte is sent.
	eventually.Holds(t, "no file is left, and its room is free",
		func() bool { return len(ls(t, dir)) == 0 && free(t, x) })
}

func TestOneSessionKeepsAtMostItsShareInUse(t *testing.T) {
	x := &Index{share: 100}
	slow, other := x.Session(func(string) {}, 0), x.Session(func(string) {}, 0)
	unpin, err := slow.pin(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := slow.pin(short, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("beyond its share: %v, want it to wait", err)
	}
	if _, err := other.pin(t.Context(), 1000); err != nil {
		t.Errorf("another session: %v", err)
	}
	unpin()
	if _, err := slow.pin(t.Context(), 1); err != nil {
		t.Errorf("once it has read on: %v", err)
	}
}

// A reader that stops reading must not keep others from a file that upstream delivers again.
func TestAFailedDownloadIsNotSharedWithWhoComesLater(t *testing.T) {
	cache, err := filecache.New("package cache", t.TempDir(), 100)
	if err != nil {
		t.Fatal(err)
	}
	s := newDownloads(cache)
	d := download{
		sha256: strings.Repeat("a", 64),
		name:   "x.whl",
		limit:  1000,
		url:    &url.URL{Scheme: "none", Host: "none.invalid"},
	}
	dead := newTransfer(d, nil, func() {})
	dead.ended, dead.err, dead.readers = true, errWrongHash, 1
	s.running[keyOf(d)] = dead
	next, err := s.join(d, &fetcher{})
	if err != nil {
		t.Fatal(err)
	}
	if next == dead {
		t.Error("the download that failed was joined")
	}
	if s.running[keyOf(d)] != next {
		t.Error("the new download does not stand in the old one's place")
	}
	s.leave(next)
}

func TestAWrongAddressDoesNotSpoilTheDownloadFromTheRightOne(t *testing.T) {
	up, wrong := egresstest.IndexFor(t, egresstest.IndexConfig{}), egresstest.IndexFor(t, egresstest.IndexConfig{})
	f := large()
	up.Add(f)
	wrong.Add(f)
	wrong.SetFilesFault(egresstest.Stall)
	x := newIndex(t, up, nil)
	stalled := download{name: f.Name, sha256: f.SHA256(), limit: 1 << 30}
	stalled.url, _ = url.Parse(wrong.FilesURL() + "/packages/large/" + f.Name)
	bad, err := x.downloads.join(stalled, x.fetcher)
	if err != nil {
		t.Fatal(err)
	}
	defer x.downloads.leave(bad)
	s, _ := newSession(t, x)
	if res, body, err := request(t, links(t, s, "large")[f.Name]); err != nil || res.StatusCode != 200 ||
		!bytes.Equal(body, f.Data) {
		t.Errorf("%d, %v, %d bytes", res.StatusCode, err, len(body))
	}
}

func TestHeadersOfAHostAreBounded(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	f := large()
	up.Add(f)
	x := newIndex(t, up, nil)
	for size, want := range map[int]int{128 << 10: 200, 512 << 10: 503} {
		s, _ := newSession(t, x)
		link := links(t, s, "large")[f.Name]
		up.SetFilesFault(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Long", strings.Repeat("x", size))
				next.ServeHTTP(w, r)
			})
		})
		if want == 503 {
			x = newIndex(t, up, nil) // without the files that the control has put into the cache
			s, _ = newSession(t, x)
			link = links(t, s, "large")[f.Name]
		}
		if res, body, err := request(t, link); err != nil || res.StatusCode != want {
			t.Errorf("headers of %d bytes: %d, %v: %.200s", size, res.StatusCode, err, body)
		}
	}
}

func TestTheLastPartIsHeldBack(t *testing.T) {
	var out bytes.Buffer
	l := &lastPart{w: writerOnly{&out}}
	for i := range 100 {
		if _, err := fmt.Fprintf(l, "%04d%s", i, strings.Repeat("x", 4092)); err != nil {
			t.Fatal(err)
		}
	}
	if out.Len() != 100*4096-holdBack {
		t.Errorf("%d bytes went out, want all but %d", out.Len(), holdBack)
	}
	if err := l.release(); err != nil || out.Len() != 100*4096 {
		t.Errorf("%d bytes in the end, %v", out.Len(), err)
	}
}

type writerOnly struct{ io.Writer }

func (writerOnly) Header() http.Header { return http.Header{} }
func (writerOnly) WriteHeader(int)     {}
