package egress

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"

	"vivarium/sandbox/egress/simpleindex"
	"vivarium/sandbox/egress/watchdog"
	"vivarium/sandbox/quantity"
)

const (
	// maxConcurrent bounds how many requests of one build are served at a time; the others wait.
	maxConcurrent = 16
	// maxLinks bounds the links in one build's table. PyPI's largest projects have some thousand
	// files each.
	maxLinks = 250_000
	// maxNotes bounds the lines that one build's requests add to its log.
	maxNotes = 100
)

var (
	projectPattern = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$`) // PEP 508
	linkPattern    = regexp.MustCompile(`^([0-9a-f]{32})/([^/]+)$`)
	separators     = regexp.MustCompile(`[-_.]+`)
)

// normalize is PEP 503's rule for project names.
func normalize(project string) string {
	return strings.ToLower(separators.ReplaceAllString(project, "-"))
}

// Session is one build's view of the index.
type Session struct {
	index *Index
	note  func(string)
	slots chan struct{}
	room  int64               // of the build's disk; 0 when not known
	share int64               // bytes of the cache that it may keep in use at a time
	pins  *semaphore.Weighted // of share

	mu     sync.Mutex
	links  map[string]*simpleindex.File // by id: the files that this session's pages have named
	bytes  int64                        // of links; what exceeds ownTable is counted in the index's tables
	notes  int
	absent map[string]bool // projects that the index has not

	asked ledger // has a lock of its own
}

func (s *Session) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		answer(w, http.StatusMethodNotAllowed, "method not allowed: the package index can only be read")
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-r.Context().Done():
		return
	}
	if err := s.route(w, r); err != nil {
		no := explain(err)
		if r.Context().Err() == nil && no.status != http.StatusNotFound {
			s.say("%s", no.reason)
		}
		answer(w, no.status, no.reason)
	}
}

// route serves one request. It matches the target as it was sent: a query, an absolute-form or an
// encoded slash matches no path of this index. An error means that nothing has been written yet.
func (s *Session) route(w http.ResponseWriter, r *http.Request) error {
	if s.index.links && r.RequestURI == LinksPath {
		return s.linksPage(w, r)
	}
	if project, ok := strings.CutPrefix(r.RequestURI, IndexPath); ok && !s.index.links {
		project, slash := strings.CutSuffix(project, "/")
		if slash && projectPattern.MatchString(project) {
			project = normalize(project)
			err := s.servePage(w, r, project)
			s.asked.settle(wanted{page: project}, err)
			s.remember(project, err)
			return err
		}
	}
	if link, ok := strings.CutPrefix(r.RequestURI, simpleindex.FilesPath); ok {
		if m := linkPattern.FindStringSubmatch(link); m != nil {
			return s.serveLink(w, r, m[1], m[2])
		}
	}
	return refuse(http.StatusNotFound, "only %sPROJECT/ and the links in its pages are offered here", IndexPath)
}

func (s *Session) servePage(w http.ResponseWriter, r *http.Request, project string) error {
	contentType := simpleindex.Negotiate(r.Header.Values("Accept"))
	if contentType == "" {
		return refuse(http.StatusNotAcceptable, "pages are offered as %s and text/html", simpleindex.JSONType)
	}
	found, err := s.index.page(r.Context(), project)
	if err != nil {
		return err
	}
	p, err := s.learn(&found.Page)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-cache")
	_ = p.Write(w, contentType) // an error here means that the client left
	return nil
}

// learn adds a page's links to the table. It returns the page with the table's own links, so that
// no link is kept twice, however many requests are in progress.
func (s *Session) learn(p *simpleindex.Page) (*simpleindex.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := &simpleindex.Page{Project: p.Project, Files: make([]*simpleindex.File, 0, len(p.Files))}
	added, bytes := map[string]*simpleindex.File{}, int64(0)
	for _, f := range p.Files {
		old := cmp.Or(s.links[f.ID], added[f.ID])
		if old == nil {
			old, added[f.ID] = f, f
			bytes += int64(f.Memory())
		}
		known.Files = append(known.Files, old)
	}
	switch {
	case len(s.links)+len(added) > maxLinks:
		return nil, refuse(http.StatusForbidden, "package index: this build has asked for more than %d links", maxLinks)
	case s.bytes+bytes > maxTable:
		return nil, refuse(http.StatusForbidden, "package index: this build has asked for pages of more than %s",
			quantity.Bytes(maxTable))
	case !s.index.tables.TryAcquire(beyondOwn(s.bytes+bytes) - beyondOwn(s.bytes)):
		return nil, errNoTable
	}
	s.bytes += bytes
	maps.Copy(s.links, added)
	return known, nil
}

// beyondOwn is the part of a session's table that counts against what all sessions share.
func beyondOwn(bytes int64) int64 { return max(0, bytes-ownTable) }

// Close forgets the session's pages. Their links no longer work.
func (s *Session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.tables.Release(beyondOwn(s.bytes))
	s.bytes, s.links = 0, map[string]*simpleindex.File{}
}

func (s *Session) serveLink(w http.ResponseWriter, r *http.Request, id, escaped string) error {
	name, err := url.PathUnescape(escaped)
	s.mu.Lock()
	f := s.links[id]
	s.mu.Unlock()
	switch {
	case err != nil || f == nil:
	case name == f.Name:
		return s.serveFile(w, r, wanted{file: id}, download{
			name:   f.Name,
			url:    f.URL,
			own:    f.Own,
			sha256: f.SHA256(),
			size:   f.Size,
			limit:  s.index.maxFile,
			room:   s.room,
		})
	case name == f.Name+".metadata" && f.Metadata != "":
		return s.serveFile(w, r, wanted{file: id, metadata: true}, download{
			name: name, url: f.MetadataURL(), own: f.Own, sha256: f.Metadata, limit: s.index.maxPage, room: s.room,
		})
	}
	return refuse(http.StatusNotFound, "this link is not in a page that this build has been given")
}

// say adds a line to the build's log.
func (s *Session) say(format string, args ...any) {
	s.mu.Lock()
	s.notes++
	n := s.notes
	s.mu.Unlock()
	switch {
	case n < maxNotes:
		s.note(oneLine(fmt.Sprintf(format, args...)))
	case n == maxNotes:
		s.note("package index: further remarks are left out")
	}
}

// explain turns an error into an answer. pip repeats a request that got 503, so 503 is only for
// what may pass by itself.
func explain(err error) *refusal {
	var no *refusal
	var private *addressError
	var stalled *watchdog.StalledError
	var fetch *fetchError
	switch {
	case errors.As(err, &no):
		return no
	case errors.As(err, &private):
		return refuse(http.StatusForbidden, "package index: %v", err)
	case errors.As(err, &stalled):
		return refuse(http.StatusGatewayTimeout, "package index: %v", err)
	case errors.Is(err, errTooLarge): // newer versions of pip repeat a 502 too
		return refuse(http.StatusForbidden, "package index: %v", err)
	case errors.As(err, &fetch) && fetch.broken: // also in the middle of a page
	case errors.Is(err, errWrongHash), errors.Is(err, simpleindex.ErrBadPage), isCertificate(err):
		return refuse(http.StatusBadGateway, "package index: %v", err)
	}
	return refuse(http.StatusServiceUnavailable, "package index: %v", err)
}
