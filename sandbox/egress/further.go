package egress

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// LinksPath is where a page of links stands on the service (Links).
const LinksPath = "/links/"

// Further is another index whose host the operator lists. It shares files, memory and bounds with x,
// and nothing that x is authorized for: neither credentials nor addresses of its own.
func (x *Index) Further(u *url.URL) *Index {
	upstream := *u
	upstream.User, upstream.Fragment, upstream.RawFragment = nil, "", ""
	if !strings.HasSuffix(upstream.Path, "/") {
		upstream = *upstream.JoinPath("/")
	}
	return x.at(&upstream, upstream.EscapedPath())
}

// Links is a page of links to packages, for pip's --find-links. A host lets its files be fetched as
// those of an index, and from below the page's folder.
func (x *Index) Links(u *url.URL) *Index {
	page := *u
	page.User, page.Fragment, page.RawFragment = nil, "", ""
	if page.Path == "" {
		page.Path = "/"
	}
	further := x.at(&page, path.Dir(page.EscapedPath()+"."))
	further.links = true
	return further
}

func (x *Index) at(upstream *url.URL, below string) *Index {
	fetcher := *x.fetcher
	fetcher.origin, fetcher.auth = origin(upstream), nil
	fetcher.below = strings.TrimSuffix(below, "/") + "/"
	return &Index{
		upstream: upstream, fetcher: &fetcher,
		rooms: x.rooms, tables: x.tables, maxFile: x.maxFile, maxPage: x.maxPage,
		cache: x.cache, share: x.share, downloads: x.downloads,
	}
}

// linksPage serves the one page of an index that is a page of links.
func (s *Session) linksPage(w http.ResponseWriter, r *http.Request) error {
	err := s.servePage(w, r, linksProject)
	s.asked.settle(wanted{page: linksProject}, err)
	return err
}

// linksProject stands for the project's name in a page of links.
const linksProject = "links"
