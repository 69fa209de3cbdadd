package egress

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"

	"vivarium/sandbox/filecache"
)

// serveFile answers with a file: from the cache, from a download that others may share,
// or straight from upstream when it cannot be kept. An error means that nothing has been
// written yet.
func (s *Session) serveFile(w http.ResponseWriter, r *http.Request, what wanted, d download) error {
	if err := d.fits(d.size); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if d.sha256 != "" {
		if f := s.index.cache.Open(d.sha256); f != nil {
			defer f.Close()
			err := s.serveKept(w, r, d, f)
			s.asked.settle(what, err)
			return err
		}
	}
	if r.Method == http.MethodHead {
		return nil
	}
	serve := s.serveTransfer
	if d.sha256 == "" {
		serve = s.passUnchecked
	}
	sent, err := serve(w, r, d)
	s.asked.settle(what, err)
	if err != nil && sent > 0 {
		if r.Context().Err() == nil {
			s.say("%s", explain(err).reason)
		}
		panic(http.ErrAbortHandler) // the client must not take the file as complete
	}
	return err
}

// serveKept serves from the cache.
func (s *Session) serveKept(w http.ResponseWriter, r *http.Request, d download, f *filecache.File) error {
	if err := d.fits(f.Info.Size()); err != nil {
		return err
	}
	unpin, err := s.pin(r.Context(), f.Info.Size())
	if err != nil {
		return err
	}
	defer unpin()
	w.Header().Set("ETag", `"`+d.sha256+`"`)
	http.ServeContent(w, r, "", f.Info.ModTime(), f)
	return nil
}

// pin waits until this session may keep another file of this length (-1: unknown) from eviction. A
// file that a session reads slowly takes room from all others.
func (s *Session) pin(ctx context.Context, size int64) (unpin func(), err error) {
	if size < 0 {
		size = spoolMax
	}
	size = min(size, s.share)
	if err := s.pins.Acquire(ctx, size); err != nil {
		return nil, err
	}
	return func() { s.pins.Release(size) }, nil
}

// serveTransfer serves a file as it arrives, and reports how many bytes went out.
func (s *Session) serveTransfer(w http.ResponseWriter, r *http.Request, d download) (sent int64, err error) {
	t, err := s.index.downloads.join(d, s.index.fetcher)
	if errors.Is(err, filecache.ErrNotKept) {
		return s.passOn(w, r, d, bytes.NewReader(nil), err)
	}
	if err != nil {
		return 0, err
	}
	unpin := func() {}
	defer func() { s.index.downloads.leave(t); unpin() }()
	size, err := t.head(r.Context())
	if err == nil {
		err = d.fits(size)
	}
	if err == nil {
		unpin, err = s.pin(r.Context(), size)
	}
	if err != nil {
		unpin = func() {}
		return 0, err
	}
	t.start()
	sent, err = t.send(r.Context(), w)
	if errors.Is(err, filecache.ErrNotKept) {
		return s.passOn(w, r, d, io.NewSectionReader(t.file, 0, sent), err)
	}
	return sent, err
}

// sentPart is the part of a file that a client has already.
type sentPart interface {
	io.Reader
	Size() int64
}

// passOn serves a file that there is no room to keep, to a client that has the first part of it
// already. The file is checked like any other, and must begin with the same bytes as that part.
func (s *Session) passOn(w http.ResponseWriter, r *http.Request, d download, sent sentPart, why error) (int64, error) {
	s.say("package index: %v, but passed on", why)
	res, err := fetchFile(r.Context(), s.index.fetcher, d)
	if err != nil {
		return sent.Size(), err
	}
	defer res.Close()
	if sent.Size() == 0 && res.ContentLength >= 0 {
		w.Header().Set("Content-Length", fmt.Sprint(res.ContentLength))
	}
	sum := sha256.New()
	body := io.TeeReader(&limitedReader{r: res.body, left: d.most()}, sum)
	if err := skipSame(body, sent); errors.Is(err, errWrongHash) {
		return sent.Size(), &hashError{d.name, res.url.Host}
	} else if err != nil {
		return sent.Size(), fmt.Errorf("%s: %w", d.name, err)
	}
	last := &lastPart{w: w}
	n, err := stream(last, body, d.most())
	if err != nil {
		return sent.Size() + n, fmt.Errorf("%s: %w", d.name, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != d.sha256 {
		return sent.Size() + n, &hashError{d.name, res.url.Host}
	}
	return sent.Size() + n, last.release()
}

// skipSame reads over the part that the client has, and checks that it is the same.
func skipSame(body io.Reader, sent sentPart) error {
	a, b := make([]byte, 32<<10), make([]byte, 32<<10)
	for left := sent.Size(); left > 0; {
		n := min(left, int64(len(a)))
		if _, err := io.ReadFull(body, a[:n]); err != nil {
			return err
		}
		if _, err := io.ReadFull(sent, b[:n]); err != nil {
			return err
		}
		if !bytes.Equal(a[:n], b[:n]) {
			return errWrongHash
		}
		left -= n
	}
	return nil
}

// lastPart keeps back the last holdBack bytes from a client until release.
type lastPart struct {
	w    http.ResponseWriter
	held []byte
}

func (l *lastPart) Write(p []byte) (int, error) {
	l.held = append(l.held, p...)
	if over := len(l.held) - holdBack; over > 0 {
		if _, err := l.w.Write(l.held[:over]); err != nil {
			return 0, err
		}
		l.held = l.held[:copy(l.held, l.held[over:])]
	}
	return len(p), nil
}

func (l *lastPart) Header() http.Header         { return l.w.Header() }
func (l *lastPart) WriteHeader(code int)        { l.w.WriteHeader(code) }
func (l *lastPart) Unwrap() http.ResponseWriter { return l.w }

func (l *lastPart) release() error {
	_, err := l.w.Write(l.held)
	return err
}

// passUnchecked serves a file that cannot be checked, says so in the log, and reports how many
// bytes went out.
func (s *Session) passUnchecked(w http.ResponseWriter, r *http.Request, d download) (int64, error) {
	res, err := fetchFile(r.Context(), s.index.fetcher, d)
	if err != nil {
		return 0, err
	}
	defer res.Close()
	s.say("package index: %s has no sha256 on the index: passed on unchecked and not kept", d.name)
	if res.ContentLength >= 0 {
		w.Header().Set("Content-Length", fmt.Sprint(res.ContentLength))
	}
	n, err := stream(w, res.body, d.most())
	if err != nil {
		return max(n, 1), fmt.Errorf("%s: %w", d.name, err) // a file that is cut off must not look complete
	}
	return n, nil
}
