package egress

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"vivarium/sandbox/egress/egresstest"
	"vivarium/sandbox/egress/simpleindex"
)

// hostilePages take much memory to read, each in its own way. None is longer than maxPage.
var hostilePages = map[string]func(w io.Writer){
	"texts of any shape": func(w io.Writer) {
		io.WriteString(w, `{"files":[`)
		for range 8 {
			fmt.Fprintf(w, `{"filename":"a-1.tar.gz","url":"a","yanked":[%s0],"core-metadata":[%[1]s0],"hashes":{}},`,
				strings.Repeat(`{},`, 600_000))
		}
	},
	"a deep list": func(w io.Writer) { io.WriteString(w, `{"x":`+strings.Repeat("[", 30<<20)) },
	"a deep list in meta": func(w io.Writer) {
		io.WriteString(w, `{"meta":{"x":`+strings.Repeat("[", 30<<20))
	},
	"one text": func(w io.Writer) { io.WriteString(w, `{"files":[{"filename":"`+strings.Repeat("x", 30<<20)) },
	"many keys": func(w io.Writer) {
		io.WriteString(w, `{"files":[{"filename":"a-1.tar.gz","url":"a","hashes":{`)
		for i := range 300_000 {
			fmt.Fprintf(w, `"%07d":"",`, i)
		}
	},
	"many keys in meta": func(w io.Writer) {
		io.WriteString(w, `{"meta":{`)
		for i := range 300_000 {
			fmt.Fprintf(w, `"%07d":"",`, i)
		}
	},
	"a long list of no use": func(w io.Writer) { io.WriteString(w, `{"versions":[`+strings.Repeat(`"1.0",`, 2<<20)) },
	"a long base": func(w io.Writer) {
		fmt.Fprintf(w, `<base href="/%s/">`, strings.Repeat("x", 32<<10))
		for i := range 24_000 {
			fmt.Fprintf(w, `<a href="a-%d.tar.gz">`, i)
		}
	},
	"long links": func(w io.Writer) {
		io.WriteString(w, `{"files":[`)
		for i := range 7_500 {
			fmt.Fprintf(w, `{"filename":"a-%d.tar.gz","url":"%s"},`, i, strings.Repeat("x", 4000))
		}
	},
	"many attributes": func(w io.Writer) {
		io.WriteString(w, `<a href="a-1.tar.gz"`)
		for i := range 300_000 {
			fmt.Fprintf(w, ` a%d`, i)
		}
	},
	"long fragments": func(w io.Writer) {
		for i := range 7_500 {
			fmt.Fprintf(w, `<a href="a-%d.tar.gz#md5=%s">`, i, strings.Repeat("x", 4000))
		}
	},
}

// compressed serves a page of one of these kinds; HTML begins with <.
func compressed(write func(io.Writer)) egresstest.Fault {
	var b strings.Builder
	z := gzip.NewWriter(&b)
	write(z)
	z.Close()
	text := b.String()
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			r, _ := gzip.NewReader(strings.NewReader(text))
			first := make([]byte, 1)
			_, _ = r.Read(first)
			w.Header().Set("Content-Type",
				map[string]string{"<": simpleindex.PlainType, "{": simpleindex.JSONType}[string(first)])
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, text)
		})
	}
}

// peak returns by how many MiB the heap grows at most while do runs.
func peak(do func()) int64 {
	var m runtime.MemStats
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // so that little garbage is measured
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, m.HeapAlloc
	done, measured := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(measured)
		for {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	do()
	close(done)
	<-measured
	return int64(most-before) >> 20
}

// largestPage is as large as PyPI's largest.
func largestPage(w io.Writer) {
	const files = 15_000
	io.WriteString(
		w,
		`{"meta":{"api-version":"1.3"},"name":"large","versions":[`+strings.Repeat(`"1.0.0.dev20240101",`,
			files/8)+`"2"],"files":[`,
	)
	for i := range files {
		fmt.Fprintf(
			w,
			`{"core-metadata":{"sha256":"%064x"},"data-dist-info-metadata":{"sha256":"%064[1]x"},`+
				`"filename":"large-1.0.0.dev%d-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",`+
				`"hashes":{"sha256":"%064[1]x"},"provenance":null,"requires-python":">=3.9",`+
				`"size":234567890,"upload-time":"2024-01-01T00:00:00.000000Z",`+
				`"url":"https://files.pythonhosted.org/packages/aa/bb/%056[1]x/`+
				`large-1.0.0.dev%[2]d-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl","yanked":false},`,
			i,
			i,
		)
	}
	io.WriteString(w, `{"filename":"large-2.tar.gz","url":"large-2.tar.gz","hashes":{},"yanked":"broken"}]}`)
}

// maxPageHeap bounds by how much one page may make the heap grow, in MiB: its links and some
// garbage.
const maxPageHeap = 24 + 16

func TestAHostilePageTakesBoundedMemory(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	for name, write := range hostilePages {
		t.Run(name, func(t *testing.T) {
			up.SetFault(compressed(write))
			s := newIndex(t, up, nil).Session(func(string) {}, 0)
			address := serve(t, s)
			if mib := peak(func() { raw(t, address, get("/simple/a/")) }); mib > maxPageHeap {
				t.Errorf("the heap grew by %d MiB, want at most %d", mib, maxPageHeap)
			} else {
				t.Logf("%d MiB", mib)
			}
		})
	}
	t.Run("control: PyPI's largest", func(t *testing.T) {
		up.SetFault(compressed(largestPage))
		s, n := newSession(t, newIndex(t, up, nil))
		var found map[string]string
		if _, page, err := request(t, s+"/simple/large/", "Accept", simpleindex.JSONType); err != nil ||
			strings.Count(string(page), `"sha256":"`) != 2*15_000 {
			t.Errorf("%v: not all hashes are told", err)
		}
		mib := peak(func() { found = links(t, s, "large") })
		if len(found) != 15_001 || len(n.all()) > 0 {
			t.Errorf("%d links, want all; the log has %q", len(found), n.all())
		}
		t.Logf("%d MiB, with what the test itself reads", mib)
	})
}

func TestPagesOfAllSessionsTogetherTakeBoundedMemory(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	up.SetFault(compressed(hostilePages["a long base"]))
	x := newIndex(t, up, nil)
	x.rooms = simpleindex.NewRooms(roomWait)
	const bound = 2*maxPageHeap + 2*maxConcurrent + 16 // two large pages, and one MiB for each of the others
	mib := peak(func() {
		var all sync.WaitGroup
		for range 2 {
			address := serve(t, x.Session(func(string) {}, 0))
			for range maxConcurrent {
				all.Go(func() { raw(t, address, get("/simple/a/")) })
			}
		}
		all.Wait()
	})
	if t.Logf("%d MiB", mib); mib > bound {
		t.Errorf("the heap grew by %d MiB, want at most %d", mib, bound)
	}
}

// fill takes all the room that pages have; release gives it back.
func fill(t *testing.T, rooms *simpleindex.Rooms) (release func()) {
	t.Helper()
	done := make(chan struct{})
	var readers sync.WaitGroup
	for found := true; found; {
		inside := make(chan bool, 1)
		readers.Go(func() {
			_, err := rooms.Read(t.Context(), simpleindex.Source{URL: &url.URL{}, Open: func() (io.Reader, error) {
				inside <- true
				<-done
				return strings.NewReader(""), nil
			}})
			if errors.Is(err, simpleindex.ErrNoRoom) {
				inside <- false
			}
		})
		found = <-inside
	}
	return func() { close(done); readers.Wait() }
}

func TestAPageWithoutRoomIsRefusedAndThenServed(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	up.Add(egresstest.Wheel("six", "1.0", nil))
	x := newIndex(t, up, nil)
	x.rooms = simpleindex.NewRooms(50 * time.Millisecond)
	s := x.Session(func(string) {}, 0)
	address := serve(t, s)
	release := fill(t, x.rooms)
	code, body := raw(t, address, get("/simple/six/"))
	if code != http.StatusServiceUnavailable || !strings.Contains(body, "reading too many pages at once") {
		t.Errorf("answered %d: %s", code, body)
	}
	wantTrouble(t, s, "this server was reading too many large pages of the package index at once")
	release()
	if got := links(t, address, "six"); len(got) != 1 {
		t.Errorf("when there was room: %v", got)
	}
	wantTrouble(t, s, "")
}

// heavy are pages that take slightly more than so many bytes together. Each has links of its own.
func heavy(of string, bytes int) *simpleindex.Page {
	p := &simpleindex.Page{Project: of}
	for n := 0; bytes > 0; n++ {
		f := &simpleindex.File{ID: fmt.Sprint(of, n), URL: &url.URL{Path: strings.Repeat("x", 64<<10)}}
		p.Files = append(p.Files, f)
		bytes -= f.Memory()
	}
	return p
}

// TestTablesOfAllSessionsTogetherAreBounded: three builds that take all they can leave every other
// build what it needs.
func TestTablesOfAllSessionsTogetherAreBounded(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	up.Add(egresstest.Wheel("six", "1.0", nil))
	x := newIndex(t, up, nil)
	x.tables = semaphore.NewWeighted(maxShared)
	var greedy []*Session
	for i := range 3 {
		g := x.Session(func(string) {}, 0)
		greedy = append(greedy, g)
		for n, err := 0, error(nil); err == nil; n++ {
			_, err = g.learn(heavy(fmt.Sprint("g", i, "-", n, "-"), 8<<20))
		}
	}
	rest := int64(0) // less than one of their pages
	for n := int64(8 << 20); n > 0; n /= 2 {
		if x.tables.TryAcquire(n) {
			rest += n
		}
	}
	if rest == 0 || rest >= 9<<20 {
		t.Fatalf("control: three builds have left %d bytes", rest)
	}
	var said string
	s := x.Session(func(line string) { said = line }, 0)
	address := serve(t, s)
	links(t, address, "six")
	if _, err := s.learn(heavy("own", ownTable-(1<<20))); err != nil {
		t.Errorf("its own room is not there: %v", err)
	}
	if _, err := s.learn(heavy("more", 10<<20)); !errors.Is(err, error(errNoTable)) {
		t.Errorf("beyond its own room: got %v", err)
	}
	up.Add(egresstest.Wheel("other", "1.0", nil))
	grow := func(bytes int64) { // like a page of this size
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bytes += bytes
	}
	grow(10 << 20)
	if code, _ := raw(t, address, get("/simple/other/")); code != http.StatusServiceUnavailable ||
		!strings.Contains(said, "other builds hold all") {
		t.Errorf("answered %d, and told %q", code, said)
	}
	grow(-10 << 20)
	wantTrouble(t, s, "this server had no room for this build's pages of the package index beyond 32 MiB")
	if trouble := s.Trouble(); trouble == nil || !trouble.Ours {
		t.Error("it is told as the index's")
	}
	x.tables.Release(rest)
	for _, g := range greedy {
		g.Close()
	}
	links(t, address, "other")
	wantTrouble(t, s, "")
	s.Close()
	if !x.tables.TryAcquire(maxShared) {
		t.Error("a session has kept its room")
	}
}
