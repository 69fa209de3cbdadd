package egress

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	jsonType  = "application/vnd.pypi.simple.v1+json"
	htmlType  = "application/vnd.pypi.simple.v1+html"
	plainType = "text/html"

	// maxFresh bounds how long a page is served without asking upstream again, whatever
	// its Cache-Control says: a release should be found soon after it was made.
	maxFresh = time.Minute
	// maxCached bounds the page cache, bytes.
	maxCached = 48 << 20
	// pageCost and fileCost are what a page and a link of it take besides their texts.
	pageCost, fileCost = 256, 384
	// maxPageLinks bounds one page, whatever its links say. PyPI's largest projects have some thousand files each.
	maxPageLinks = 25_000
)

// errBadPage is a page that cannot be read.
var errBadPage = errors.New("cannot read the page")

// errTooMany is a page with more links than any build may have. It ends a page that never
// ends long before its size does, and before a client has lost its patience.
var errTooMany = fmt.Errorf("it has more than %d links: %w", maxPageLinks, errTooLarge)

// page is what the index says of one project. It does not change once made.
type page struct {
	project string
	files   []*file
	etag    string
	fresh   time.Time // until when it need not be asked for again
}

// size is about how much memory the page takes.
func (p *page) size() int {
	n := pageCost + len(p.project) + len(p.etag)
	for _, f := range p.files {
		n += f.memory()
	}
	return n
}

// page fetches a project's page, or has the one at hand confirmed.
func (x *Index) page(ctx context.Context, project string) (*page, error) {
	cached := x.pages.get(project)
	if cached != nil && time.Now().Before(cached.fresh) {
		return cached, nil
	}
	header := http.Header{
		"Accept":          {jsonType + ", " + htmlType + ";q=0.2, " + plainType + ";q=0.1"},
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
	p := &page{project: project, etag: res.Header.Get("ETag"), fresh: freshUntil(res.Header.Get("Cache-Control"))}
	switch {
	case res.StatusCode == http.StatusNotModified && cached != nil:
		p.files, p.etag = cached.files, cached.etag
	case res.StatusCode == http.StatusOK:
		if p.files, err = x.readPage(ctx, res); err != nil {
			return nil, fmt.Errorf("project %s: %w", project, &pageError{res.url.Host, err})
		}
	default:
		return nil, rejectedBy(res, "project "+project)
	}
	x.pages.put(p)
	return p, nil
}

// pageOf is where a project's page is.
func (x *Index) pageOf(project string) target {
	return target{url: x.upstream.JoinPath(project, "/"), trusted: true}
}

// rejectedBy is an answer of a host other than the one wanted.
func rejectedBy(res *fetched, what string) *refusal {
	status := res.StatusCode
	switch status {
	case http.StatusNotFound, http.StatusGone, http.StatusServiceUnavailable:
	case http.StatusUnauthorized, http.StatusForbidden:
		// To pip, 401 would be a reason to ask for a password.
		status = http.StatusForbidden
	default:
		status = http.StatusBadGateway
	}
	no := refuse(status, "package index: %s: %s answered %s", what, res.url.Host, statusText(res.StatusCode))
	if isTrouble(res.StatusCode) || res.StatusCode == http.StatusUnauthorized { // a password is the operator's matter
		no.trouble = &Trouble{host: res.url.Host, says: "answered " + statusText(res.StatusCode)}
	}
	return no
}

// readPage parses an answer in any of the formats of PEP 503 and PEP 691, while it comes.
func (x *Index) readPage(ctx context.Context, res *fetched) ([]*file, error) {
	l, err := x.rooms.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer l.leave()
	body, limit := res.body, x.maxPage
	if res.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(&limitedReader{r: body, left: limit})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errBadPage, err)
		}
		body = z
	}
	body = &limitedReader{r: body, left: limit}
	contentType, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch contentType {
	case jsonType:
		err = parseJSON(body, res.base(), l)
	case htmlType, plainType:
		err = parseHTML(body, res.base(), l)
	default:
		err = notAPage(contentType, res)
	}
	if err != nil {
		return nil, err
	}
	return l.files, nil
}

func notAPage(contentType string, res *fetched) error {
	return fmt.Errorf("%w: %s answered with %q, not with a package index's page", errBadPage, res.url.Host, contentType)
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

// put keeps p. When room is needed, some other pages go: any will do, since they only
// cost a request to get back.
func (c *pageCache) put(p *page) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pages == nil {
		c.pages = map[string]*page{}
	}
	c.remove(p.project)
	size := p.size()
	for project := range c.pages {
		if c.bytes+size <= maxCached {
			break
		}
		c.remove(project)
	}
	c.pages[p.project] = p
	c.bytes += size
}

func (c *pageCache) remove(project string) {
	if old := c.pages[project]; old != nil {
		c.bytes -= old.size()
		delete(c.pages, project)
	}
}

// negotiate picks the format that the client likes best: JSON, or one of the two names
// of HTML. It is empty when the client takes neither.
func negotiate(accept []string) string {
	all := strings.Join(accept, ",")
	if strings.TrimSpace(all) == "" {
		return plainType
	}
	best, bestQ := "", 0.0
	for part := range strings.SplitSeq(all, ",") {
		name, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if v, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(v, 64); err != nil {
				continue
			}
		}
		if t := offered(name); t != "" && q > bestQ {
			best, bestQ = t, q
		}
	}
	return best
}

// offered maps a media range to what is answered for it.
func offered(name string) string {
	switch name {
	case jsonType, "application/vnd.pypi.simple.latest+json":
		return jsonType
	case htmlType, "application/vnd.pypi.simple.latest+html":
		return htmlType
	case plainType, "text/*", "*/*":
		return plainType
	}
	return ""
}
