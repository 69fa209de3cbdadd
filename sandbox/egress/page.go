package egress

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"vivarium/sandbox/egress/simpleindex"
)

const (
	// maxFresh bounds how long a page is served without asking upstream again, whatever its
	// Cache-Control says. A release should be found soon after it was made.
	maxFresh = time.Minute
	// maxCached bounds the page cache, in bytes.
	maxCached = 48 << 20
	// pageCost is how much memory a page takes besides its links and texts, in bytes.
	pageCost = 256
)

// acceptedTypes are the types in which a page may come, with our preference.
const acceptedTypes = simpleindex.JSONType + ", " + simpleindex.HTMLType + ";q=0.2, " + simpleindex.PlainType + ";q=0.1"

// page is the index's page of one project. It does not change once made.
type page struct {
	simpleindex.Page
	etag  string
	fresh time.Time // until when it need not be asked for again
}

// size is roughly how much memory the page takes.
func (p *page) size() int {
	n := pageCost + len(p.Project) + len(p.etag)
	for _, f := range p.Files {
		n += f.Memory()
	}
	return n
}

// page fetches a project's page, or has upstream confirm the one in the cache.
func (x *Index) page(ctx context.Context, project string) (*page, error) {
	cached := x.pages.get(project)
	if cached != nil && time.Now().Before(cached.fresh) {
		return cached, nil
	}
	header := http.Header{
		"Accept":          {acceptedTypes},
		"Accept-Encoding": {"gzip"},
	}
	if cached != nil && cached.etag != "" {
		header.Set("If-None-Match", cached.etag)
	}
	res, err := x.fetcher.get(ctx, x.pageOf(project), header)
	if err != nil {
		return nil, err
	}
	defer res.Close()
	p := &page{
		Page:  simpleindex.Page{Project: project},
		etag:  res.Header.Get("ETag"),
		fresh: freshUntil(res.Header.Get("Cache-Control")),
	}
	switch {
	case res.StatusCode == http.StatusNotModified && cached != nil:
		p.Files, p.etag = cached.Files, cached.etag
	case res.StatusCode == http.StatusOK:
		if p.Files, err = x.readPage(ctx, res); err != nil {
			return nil, fmt.Errorf("project %s: %w", project, &pageError{res.url.Host, err})
		}
	default:
		return nil, rejectedBy(res, "project "+project)
	}
	x.pages.put(p)
	return p, nil
}

// Offered reports whether the page that the index gave of a project names any file. pip does not
// tell a project that is nowhere from one without a file for this machine.
func (s *Session) Offered(project string) bool {
	p := s.index.pages.get(normalize(project))
	return p != nil && len(p.Files) > 0
}

// Absent reports whether the index answered this build that it has no such project.
func (s *Session) Absent(project string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.absent[normalize(project)]
}

// maxAbsent bounds how many projects that the index has not are remembered of one build.
const maxAbsent = 1000

// remember keeps that the index has no such project.
func (s *Session) remember(project string, err error) {
	var no *refusal
	if !errors.As(err, &no) || no.status != http.StatusNotFound && no.status != http.StatusGone {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.absent == nil {
		s.absent = map[string]bool{}
	}
	if len(s.absent) < maxAbsent {
		s.absent[project] = true
	}
}

// pageOf is the address of a project's page.
func (x *Index) pageOf(project string) target {
	if x.links {
		return target{url: x.upstream, trusted: true}
	}
	return target{url: x.upstream.JoinPath(project, "/"), trusted: true}
}

// rejectedBy turns an answer that is not a success into a refusal.
func rejectedBy(res *fetched, what string) *refusal {
	status := res.StatusCode
	switch status {
	case http.StatusNotFound, http.StatusGone, http.StatusServiceUnavailable:
	case http.StatusUnauthorized, http.StatusForbidden:
		// After a 401 pip would ask for a password.
		status = http.StatusForbidden
	default:
		status = http.StatusBadGateway
	}
	no := refuse(status, "package index: %s: %s answered %s", what, res.url.Host, statusText(res.StatusCode))
	// A refused password is for the operator to mend. Without a password a 401 proves nothing: some
	// indexes answer so for what they do not have.
	if isTrouble(res.StatusCode) || res.StatusCode == http.StatusUnauthorized && res.auth {
		no.trouble = &Trouble{host: res.url.Host, says: "answered " + statusText(res.StatusCode)}
	}
	return no
}

// readPage reads a page as it arrives.
func (x *Index) readPage(ctx context.Context, res *fetched) ([]*simpleindex.File, error) {
	files, err := x.rooms.Read(ctx, simpleindex.Source{
		URL: res.url, Own: res.own, ContentType: res.Header.Get("Content-Type"),
		Open: func() (io.Reader, error) { return x.pageText(res) },
	})
	if errors.Is(err, simpleindex.ErrNoRoom) {
		return nil, errNoRoom
	}
	return files, err
}

// pageText is a page's text. Both the compressed and the plain text are bounded.
func (x *Index) pageText(res *fetched) (io.Reader, error) {
	body := res.body
	if res.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(&limitedReader{r: body, left: x.maxPage})
		if err != nil {
			return nil, err
		}
		body = z
	}
	return &limitedReader{r: body, left: x.maxPage}, nil
}

// limitedReader fails, rather than ends, above its limit.
type limitedReader struct {
	r    io.Reader
	left int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// freshUntil reads max-age, bounded by maxFresh.
func freshUntil(cacheControl string) time.Time {
	for d := range strings.SplitSeq(cacheControl, ",") {
		age, ok := strings.CutPrefix(strings.TrimSpace(d), "max-age=")
		if n, err := strconv.Atoi(age); ok && err == nil && n > 0 {
			return time.Now().Add(min(time.Duration(n)*time.Second, maxFresh))
		}
	}
	return time.Time{}
}

// pageCache keeps parsed pages in memory.
type pageCache struct {
	mu    sync.Mutex
	pages map[string]*page
	bytes int
}

func (c *pageCache) get(project string) *page {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pages[project]
}

// put keeps p. When room is needed it drops other pages. Any will do, since a page costs one
// request to get back.
func (c *pageCache) put(p *page) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pages == nil {
		c.pages = map[string]*page{}
	}
	c.remove(p.Project)
	size := p.size()
	for project := range c.pages {
		if c.bytes+size <= maxCached {
			break
		}
		c.remove(project)
	}
	c.pages[p.Project] = p
	c.bytes += size
}

func (c *pageCache) remove(project string) {
	if old := c.pages[project]; old != nil {
		c.bytes -= old.size()
		delete(c.pages, project)
	}
}
