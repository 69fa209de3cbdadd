package egress

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"vivarium/sandbox/egress/watchdog"
	"vivarium/sandbox/filecache"
	"vivarium/sandbox/quantity"
)

// holdBack is how much of a file's end is kept from the clients until the whole file matches its
// hash, so that a wrong file never arrives complete.
const holdBack = 64 << 10

// spoolMax bounds how much is kept on disk of a file whose length upstream does not tell. Such a
// file may be endless.
const spoolMax = 32 << 20

// errWrongHash means that a file has not the hash that the index tells.
var errWrongHash = errors.New("its SHA-256 is not the one that the index tells")

// transfer is one download in progress, from which any number of clients read.
type transfer struct {
	download
	cancel context.CancelFunc
	long   time.Duration // when upstream was silent this long, a client that leaves does so because of upstream
	done   chan struct{}
	file   *filecache.Writer // grows; read at offsets

	readers int // guarded by the lock of the downloads

	begin sync.Once
	begun chan struct{} // closed when the first client has room for the file's body

	mu      sync.Mutex
	headed  bool  // upstream has answered
	size    int64 // valid once headed; -1 when upstream does not tell
	written int64
	ended   bool
	err     error
	changed chan struct{} // closed at each change
}

func newTransfer(d download, file *filecache.Writer, cancel context.CancelFunc) *transfer {
	d.room = 0 // room is that of one build; other builds may share the transfer
	return &transfer{
		download: d, cancel: cancel, done: make(chan struct{}), file: file,
		begun: make(chan struct{}), changed: make(chan struct{}),
	}
}

// run fetches the file, checks it, and has it kept.
func (t *transfer) run(ctx context.Context, f *fetcher) {
	defer close(t.done)
	err := t.fetch(ctx, f)
	if err == nil {
		err = t.file.Keep(t.sha256)
	}
	t.change(func() { t.ended, t.err = true, err })
}

func (t *transfer) fetch(ctx context.Context, f *fetcher) error {
	res, err := fetchFile(ctx, f, t.download)
	if err != nil {
		return err
	}
	defer res.Close()
	t.change(func() { t.headed, t.size = true, res.ContentLength })
	select {
	case <-t.begun:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if t.size > 0 {
		if err := t.file.Reserve(t.size); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	sum := sha256.New()
	if err := t.spool(io.TeeReader(&limitedReader{r: res.body, left: t.limit}, sum)); err != nil {
		return fmt.Errorf("%s: %w", t.name, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != t.sha256 {
		return &hashError{t.name, res.url.Host}
	}
	return nil
}

// spool writes the body into the file.
func (t *transfer) spool(body io.Reader) error {
	bp := buffers.Get().(*[]byte)
	defer buffers.Put(bp)
	for {
		n, err := body.Read(*bp)
		if n > 0 {
			if err := t.add((*bp)[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// add writes a piece into the file. Its error is filecache.ErrNotKept when there is no room.
func (t *transfer) add(p []byte) error {
	if t.size < 0 {
		if t.written+int64(len(p)) > spoolMax {
			return fmt.Errorf("it has more than %s, and its host does not say how much: %w", quantity.Bytes(spoolMax),
				filecache.ErrNotKept)
		}
		if err := t.file.Reserve(int64(len(p))); err != nil {
			return err
		}
	}
	if _, err := t.file.Write(p); err != nil {
		return err
	}
	t.change(func() { t.written += int64(len(p)) })
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

// head waits for upstream's answer and returns the file's length, or -1 when upstream does not
// tell.
func (t *transfer) head(ctx context.Context) (int64, error) {
	began := time.Now()
	for {
		t.mu.Lock()
		headed, size, err, changed := t.headed, t.size, t.err, t.changed
		t.mu.Unlock()
		if headed || err != nil {
			return size, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, t.left(ctx, began)
		}
	}
}

// left is why a client that waited for upstream since began left.
func (t *transfer) left(ctx context.Context, began time.Time) error {
	if silent := time.Since(began); silent >= t.long {
		return &fetchError{host: t.url.Host, err: &watchdog.StalledError{After: silent.Round(time.Second)}}
	}
	return context.Cause(ctx)
}

// start lets the download of the body begin.
func (t *transfer) start() { t.begin.Do(func() { close(t.begun) }) }

// ready returns how much of the file may be sent by now, a channel that is closed when more has
// come, and the error after which no more comes.
func (t *transfer) ready() (n, size int64, ended bool, changed <-chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n = t.written
	if !t.ended {
		n = max(0, n-holdBack)
	}
	return n, t.size, t.ended, t.changed, t.err
}

// send writes the file to one client as it arrives, and reports how many bytes went out.
func (t *transfer) send(ctx context.Context, w http.ResponseWriter) (int64, error) {
	var sent int64
	for {
		n, size, ended, changed, err := t.ready()
		if err != nil {
			return sent, err
		}
		if sent == 0 && size >= 0 {
			w.Header().Set("Content-Length", fmt.Sprint(size))
		}
		switch {
		case n > sent:
			m, err := t.sendPiece(w, sent, n)
			if sent += m; err != nil {
				return max(sent, 1), err
			}
		case ended:
			return sent, nil
		default:
			if err := t.wait(ctx, changed); err != nil {
				return sent, err
			}
		}
	}
}

// sendPiece writes a part of the file to one client at once, and reports how many bytes went out.
func (t *transfer) sendPiece(w http.ResponseWriter, from, to int64) (int64, error) {
	n, err := io.Copy(w, io.NewSectionReader(t.file, from, to-from))
	if err != nil {
		return n, err
	}
	return n, http.NewResponseController(w).Flush()
}

// wait waits for a change. Its error says why the client left before that.
func (t *transfer) wait(ctx context.Context, changed <-chan struct{}) error {
	began := time.Now()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return t.left(ctx, began)
	}
}
