package simpleindex

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/html"
)

// parseHTML reads a page's anchors as the page arrives. One tag, or one run of text, may take
// maxPart.
func parseHTML(r io.Reader, base base, l *linkList) error {
	z := html.NewTokenizer(r)
	z.SetMaxBuf(maxPart)
	p := htmlParser{base: base, links: l}
	for {
		switch z.Next() {
		case html.ErrorToken:
			if errors.Is(z.Err(), io.EOF) {
				return nil
			}
			return badPage(z.Err())
		case html.StartTagToken, html.SelfClosingTagToken:
			if err := p.tag(z); err != nil {
				return badPage(err)
			}
		}
	}
}

// htmlParser holds what the tags of a page have said so far.
type htmlParser struct {
	base    base
	based   bool // a tag has set the base; the first such tag counts
	anchors int
	links   *linkList
}

// tag handles the tag at which z stands.
func (p *htmlParser) tag(z *html.Tokenizer) error {
	switch name, _ := z.TagName(); string(name) {
	case "base":
		p.rebase(attributes(z))
	case "a":
		return p.link(attributes(z))
	}
	return nil
}

// rebase sets another address that links are relative to. It does not change whose page it is.
func (p *htmlParser) rebase(attrs map[string]string) {
	href, ok := attrs["href"]
	if !ok || p.based {
		return
	}
	p.based = true
	if u, err := p.base.Parse(href); err == nil {
		p.base.URL = u
	}
}

// link adds an anchor's file, when it is one of a package.
func (p *htmlParser) link(attrs map[string]string) error {
	if p.anchors++; p.anchors > maxPageLinks {
		return errTooMany
	}
	return p.links.add(anchor(p.base, attrs))
}

// attributes are a tag's attributes that are used. When one occurs twice, the last counts.
func attributes(z *html.Tokenizer) map[string]string {
	m := map[string]string{}
	for {
		key, value, more := z.TagAttr()
		switch name := string(key); name {
		case "href", "data-requires-python", "data-yanked", "data-core-metadata", "data-dist-info-metadata":
			m[name] = string(value)
		}
		if !more {
			return m
		}
	}
}

// anchor makes a file from an anchor's attributes (PEP 503, 592, 658 and 714).
func anchor(base base, attrs map[string]string) *File {
	href, ok := attrs["href"]
	if !ok {
		return nil
	}
	f := newFile(base, href, "")
	if f == nil {
		return nil
	}
	f.requiresPython = attrs["data-requires-python"]
	f.yankedReason, f.yanked = attrs["data-yanked"]
	for _, key := range []string{"data-core-metadata", "data-dist-info-metadata"} {
		if digest, ok := strings.CutPrefix(attrs[key], "sha256="); ok && f.Metadata == "" {
			f.setMetadata(digest)
		}
	}
	if !f.seal() {
		return nil
	}
	return f
}

// writeHTML writes the page with local links.
func (p *Page) writeHTML(w io.Writer) error {
	b := bufio.NewWriterSize(w, 32<<10)
	fmt.Fprintf(b, "<!DOCTYPE html>\n<html><head><meta name=\"pypi:repository-version\" content=\"1.0\">"+
		"<title>%s</title></head><body>\n", p.Project)
	for _, f := range p.Files {
		fmt.Fprintf(b, `<a href="%s"`, html.EscapeString(f.localURL()+f.fragment()))
		if f.requiresPython != "" {
			fmt.Fprintf(b, ` data-requires-python="%s"`, html.EscapeString(f.requiresPython))
		}
		if f.yanked {
			fmt.Fprintf(b, ` data-yanked="%s"`, html.EscapeString(f.yankedReason))
		}
		if f.Metadata != "" {
			fmt.Fprintf(b, ` data-core-metadata="sha256=%[1]s" data-dist-info-metadata="sha256=%[1]s"`, f.Metadata)
		}
		fmt.Fprintf(b, ">%s</a><br>\n", html.EscapeString(f.Name))
	}
	fmt.Fprint(b, "</body></html>\n")
	return b.Flush()
}
