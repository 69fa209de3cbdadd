package egress

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync"
)

// holdBack is how much of a file's end is kept from the clients until the whole file has
// matched its hash, so that a wrong file never arrives complete.
const holdBack = 64 << 10

// errWrongHash is a file that is not what the index says.
var errWrongHash = errors.New("its SHA-256 is not the one that the index tells")

// download says what to fetch.
type download struct {
	name   string // for people
	url    *url.URL
	sha256 string // empty when the index tells none
	limit  int64  // bytes
}

// transfer is one download in progress that any number of clients read from.
type transfer struct {
	download
	cancel context.CancelFunc
	done   chan struct{}
	file   *os.File // grows; read at offsets

	reserve func(t *transfer, bytes int64) error // asked before the file grows

	readers  int   // guarded by the store's lock
	reserved int64 // likewise

	mu      sync.Mutex
	size    int64 // -1 when not known
	written int64
	ended   bool
	err     error
	changed chan struct{} // closed at each change
}

// serveFile answers with a file: from the cache, from a download that others may share,
// or straight from upstream when there is no hash to check. An error means that nothing
// has been written yet.
func (s *session) serveFile(w http.ResponseWriter, r *http.Request, d download) error {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if d.sha256 == "" {
		return s.passThrough(w, r, d)
	}
	if f, info := s.index.store.open(d.sha256); f != nil {
		defer f.Close()
		w.Header().Set("ETag", `"`+d.sha256+`"`)
		http.ServeContent(w, r, "", info.ModTime(), f)
		return nil
	}
	if r.Method == http.MethodHead {
		return nil
	}
	t, err := s.index.store.join(d, s.index.fetcher)
	if err != nil {
		return err
	}
	defer s.index.store.leave(t)
	sent, err := t.send(r.Context(), w)
	if err != nil && sent > 0 {
		if r.Context().Err() == nil {
			s.say("%s", explain(err).reason)
		}
		panic(http.ErrAbortHandler) // the client must not take it for complete
	}
	return err
}

// passThrough serves a file that cannot be checked, and says so.
func (s *session) passThrough(w http.ResponseWriter, r *http.Request, d download) error {
	if r.Method == http.MethodHead {
		return nil
	}
	res, err := fetchFile(r.Context(), s.index.fetcher, d)
	if err != nil {
		return err
	}
	defer res.Close()
	s.say("package index: %s has no sha256 on the index: passed on unchecked and not kept", d.name)
	if res.ContentLength >= 0 {
		w.Header().Set("Content-Length", fmt.Sprint(res.ContentLength))
	}
	if _, err := stream(w, res.body, d.limit); err != nil {
		var up *upstreamError
		if errors.As(err, &up) || errors.Is(err, errTooLarge) {
			s.say("package index: %s: %v", d.name, err)
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}

// fetchFile asks upstream for a file's bytes as they are.
func fetchFile(ctx context.Context, f *fetcher, d download) (*fetched, error) {
	res, err := f.get(ctx, d.url, http.Header{"Accept-Encoding": {"identity"}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.name, err)
	}
	if res.StatusCode != http.StatusOK {
		defer res.Close()
		return nil, rejectedBy(res, d.name)
	}
	if res.ContentLength > d.limit {
		defer res.Close()
		return nil, fmt.Errorf("%s: %w of %s", d.name, errTooLarge, mebibytes(d.limit))
	}
	return res, nil
}

// run fetches the file, checks it, and has it kept.
func (t *transfer) run(ctx context.Context, f *fetcher, keep func(*os.File) error) {
	defer close(t.done)
	err := t.fetch(ctx, f)
	if err == nil {
		err = keep(t.file)
	}
	t.change(func() { t.ended, t.err = true, err })
}

func (t *transfer) fetch(ctx context.Context, f *fetcher) error {
	res, err := fetchFile(ctx, f, t.download)
	if err != nil {
		return err
	}
	defer res.Close()
	t.change(func() { t.size = res.ContentLength })
	sum := sha256.New()
	bp := buffers.Get().(*[]byte)
	defer buffers.Put(bp)
	body := &limitedReader{r: res.body, left: t.limit}
	for {
		n, err := body.Read(*bp)
		sum.Write((*bp)[:n])
		if err := t.reserve(t, int64(n)); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		if _, err := t.file.Write((*bp)[:n]); err != nil {
			return fmt.Errorf("keep %s: %w", t.name, plain(err))
		}
		if n > 0 {
			t.change(func() { t.written += int64(n) })
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	if hex.EncodeToString(sum.Sum(nil)) != t.sha256 {
		return fmt.Errorf("%s from %s: %w", t.name, res.url.Host, errWrongHash)
	}
	return nil
}

func (t *transfer) failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err != nil
}

func (t *transfer) change(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
	close(t.changed)
	t.changed = make(chan struct{})
}

// ready is how much of the file may be sent by now, and a channel that tells of more.
func (t *transfer) ready() (n, size int64, ended bool, err error, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n = t.written
	if !t.ended {
		n = max(0, n-holdBack)
	}
	return n, t.size, t.ended, t.err, t.changed
}

// send writes the file to one client as it comes, and reports how much went out.
func (t *transfer) send(ctx context.Context, w http.ResponseWriter) (int64, error) {
	flush := http.NewResponseController(w).Flush
	var sent int64
	for {
		n, size, ended, err, changed := t.ready()
		if err != nil {
			return sent, err
		}
		if sent == 0 && size >= 0 {
			w.Header().Set("Content-Length", fmt.Sprint(size))
		}
		if n > sent {
			m, err := io.Copy(w, io.NewSectionReader(t.file, sent, n-sent))
			if sent += m; err != nil {
				return max(sent, 1), err
			}
			if err := flush(); err != nil {
				return sent, err
			}
			continue
		}
		if ended {
			return sent, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return sent, context.Cause(ctx)
		}
	}
}
