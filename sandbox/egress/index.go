package egress

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"vivarium/sandbox/egress/simpleindex"
	"vivarium/sandbox/filecache"
	"vivarium/sandbox/quantity"
)

// IndexPath is the simple index's path on the service.
const IndexPath = "/simple/"

const (
	defaultMaxFile  = 1 << 30
	defaultMaxPage  = 32 << 20 // the largest pages of PyPI have some 10 MB
	defaultMaxCache = 5 << 30
)

// IndexConfig says which package index is open.
type IndexConfig struct {
	Upstream *url.URL       // the simple index, such as https://pypi.org/simple/; no build sees credentials in it
	CacheDir string         // files are kept here by their hash; empty keeps none
	Allow    []netip.Prefix // private addresses from which files may be fetched, over http too
	MaxFile  int64          // bytes; 0 is the default
	MaxPage  int64          // bytes; 0 is the default
	MaxCache int64          // bytes kept in CacheDir, the least recently used are dropped first; 0 is the default
	RootCAs  *x509.CertPool // authorities to trust; nil is the system's
}

// Index is the configured package index, with the cache that all builds share.
type Index struct {
	upstream *url.URL // has no credentials; ends in a slash, but for a page of links
	links    bool     // it is a page of links (Links)
	fetcher  *fetcher
	pages    pageCache
	rooms    *simpleindex.Rooms  // for pages while they are read
	tables   *semaphore.Weighted // of maxShared
	maxFile  int64
	maxPage  int64

	cache     *filecache.Cache
	share     int64 // bytes of the cache that one session may keep in use at a time
	downloads *downloads
}

// NewIndex checks the configuration and makes the cache's folder.
func NewIndex(c IndexConfig) (*Index, error) {
	u := c.Upstream
	switch {
	case u == nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, fmt.Errorf("package index: want an http or https URL such as https://pypi.org/simple/")
	case u.RawQuery != "", u.Fragment != "":
		return nil, fmt.Errorf("package index %s: the URL must not have a query or a fragment", u.Redacted())
	}
	maxCache := orElse(c.MaxCache, defaultMaxCache)
	cache, err := filecache.New("package cache", c.CacheDir, maxCache)
	if err != nil {
		return nil, err
	}
	upstream := *u
	upstream.User = nil
	if !strings.HasSuffix(upstream.Path, "/") {
		upstream = *upstream.JoinPath("/")
	}
	return &Index{
		upstream: &upstream,
		fetcher:  newFetcher(u, c.Allow, c.RootCAs),
		rooms:    processRooms,
		tables:   processTables,
		maxFile:  orElse(c.MaxFile, defaultMaxFile),
		maxPage:  orElse(c.MaxPage, defaultMaxPage),

		cache:     cache,
		share:     max(1, maxCache/sessionShare),
		downloads: newDownloads(cache),
	}, nil
}

// roomWait is how long a page waits for room. It is less than the 15 s after which pip asks again.
const roomWait = 10 * time.Second

// How much sessions may remember of their pages, in bytes. A link of PyPI's takes some 900.
const (
	// maxTable is the most that one session may take, its share of maxShared included.
	maxTable = 128 << 20
	// ownTable is what each session has for itself: some 37,000 links, enough for any one page, or
	// for an install of 250 projects with 150 files each.
	ownTable = 32 << 20
	// maxShared is what all sessions of this process together may take beyond their own.
	maxShared = 256 << 20
)

// All indexes of a process share its memory for pages.
var (
	processRooms  = simpleindex.NewRooms(roomWait)
	processTables = semaphore.NewWeighted(maxShared)
)

// errNoRoom means that a page waited for room in vain, errNoTable that its session has no room to
// remember it. Both may pass, and neither says anything about the index.
var (
	errNoRoom = &refusal{
		status:  http.StatusServiceUnavailable,
		reason:  "package index: the server is reading too many pages at once; try again",
		trouble: &Trouble{Ours: true, says: "was reading too many large pages of the package index at once"},
	}
	errNoTable = &refusal{
		status: http.StatusServiceUnavailable,
		reason: "package index: this build's pages take more than " + quantity.Bytes(ownTable) +
			", and other builds hold all that the server has beyond that; try again when they have ended",
		trouble: &Trouble{
			Ours: true,
			says: "had no room for this build's pages of the package index beyond " + quantity.Bytes(ownTable),
		},
	}
)

func orElse(n, def int64) int64 {
	if n <= 0 {
		return def
	}
	return n
}

// sessionShare is the part of the cache that one build may keep from eviction at a time, by reading
// it.
const sessionShare = 4

// Session is one build's view of the index. A link works only in the session whose pages named it.
// A file larger than room is refused; room is the bytes of the build's disk, 0 when not known. note
// gets lines for the build's log, from any goroutine.
func (x *Index) Session(note func(line string), room int64) *Session {
	return &Session{
		index: x,
		note:  note,
		room:  room,
		share: x.share,
		pins:  semaphore.NewWeighted(x.share),
		links: map[string]*simpleindex.File{},
		slots: make(chan struct{}, maxConcurrent),
	}
}
