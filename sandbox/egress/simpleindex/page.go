// Package simpleindex reads the pages of a Python package index, JSON and HTML (PEP 503 and PEP
// 691), within bounds of memory, and writes them again with local links.
//
// A page is hostile input: what it may cost is bounded while it arrives, before it is kept.
package simpleindex

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"strconv"
	"strings"
)

// The media types of a page.
const (
	JSONType  = "application/vnd.pypi.simple.v1+json"
	HTMLType  = "application/vnd.pypi.simple.v1+html"
	PlainType = "text/html" // HTML by its older name
)

// FilesPath begins the links of a page that is written: FilesPath, a file's ID, a slash and its
// name.
const FilesPath = "/files/"

// maxPageLinks bounds one page, whatever its links say. PyPI's largest projects have some thousand
// files each.
const maxPageLinks = 25_000

var (
	// ErrBadPage is a page that cannot be read.
	ErrBadPage = errors.New("cannot read the page")
	// ErrTooLarge means that a page, or a part of it, is over its limit.
	ErrTooLarge = errors.New("larger than the limit")
)

// errTooMany means that a page has more links than any build may have. An endless page meets this
// bound long before that of its size, and before a client has lost its patience.
var errTooMany = fmt.Errorf("it has more than %d links: %w", maxPageLinks, ErrTooLarge)

// Source is a page as a host answers with it.
type Source struct {
	URL         *url.URL // where it came from: what its links are relative to
	Own         bool     // it was fetched with the rights of the index's own origin; its files carry this on
	ContentType string   // the header
	// Open gives the page's text. It is called once, when there is room to read it.
	Open func() (io.Reader, error)
}

// Read reads a page as it arrives, in any of the formats of PEP 503 and PEP 691. It leaves out
// links that cannot be files of a package. Its error is ErrNoRoom, or it is ErrBadPage together
// with the cause: ErrTooLarge, or an error of reading the text.
func (r *Rooms) Read(ctx context.Context, s Source) ([]*File, error) {
	l, err := r.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer l.leave()
	text, err := s.Open()
	if err != nil {
		return nil, badPage(err)
	}
	from := base{s.URL, s.Own}
	contentType, _, _ := mime.ParseMediaType(s.ContentType)
	switch contentType {
	case JSONType:
		err = parseJSON(text, from, l)
	case HTMLType, PlainType:
		err = parseHTML(text, from, l)
	default:
		err = fmt.Errorf("%w: %s answered with %q, not with a package index's page",
			ErrBadPage, s.URL.Host, contentType)
	}
	if err != nil {
		return nil, err
	}
	return l.files, nil
}

// Page is an index's page of one project.
type Page struct {
	Project string // its name, normalized
	Files   []*File
}

// Write writes the page with local links, in one of the types that Negotiate picks. Its only errors
// are those of w.
func (p *Page) Write(w io.Writer, contentType string) error {
	if contentType == JSONType {
		return p.writeJSON(w)
	}
	return p.writeHTML(w)
}

// Negotiate picks the format that a client likes best by its Accept headers: JSON, or one of the
// two names of HTML. It is empty when the client takes neither.
func Negotiate(accept []string) string {
	all := strings.Join(accept, ",")
	if strings.TrimSpace(all) == "" {
		return PlainType
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

// offered maps a media range to the type of the answer.
func offered(name string) string {
	switch name {
	case JSONType, "application/vnd.pypi.simple.latest+json":
		return JSONType
	case HTMLType, "application/vnd.pypi.simple.latest+html":
		return HTMLType
	case PlainType, "text/*", "*/*":
		return PlainType
	}
	return ""
}
