package egresstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"path"
	"strings"
	"time"
)

// servePage answers /simple/PROJECT/.
func (x *Index) servePage(w http.ResponseWriter, r *http.Request) {
	if _, password, _ := r.BasicAuth(); x.password != "" && password != x.password {
		w.Header().Set("WWW-Authenticate", `Basic realm="index"`)
		http.Error(w, "a password is needed", http.StatusUnauthorized)
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/simple/")
	name, slash := strings.CutSuffix(name, "/")
	files := x.project(name)
	if !ok || !slash || len(files) == 0 {
		http.NotFound(w, r)
		return
	}
	contentType, body := "text/html; charset=utf-8", x.htmlPage(name, files)
	if !x.htmlOnly && strings.Contains(r.Header.Get("Accept"), "application/vnd.pypi.simple.v1+json") {
		contentType, body = "application/vnd.pypi.simple.v1+json", x.jsonPage(name, files)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("ETag", `"`+digest(body)[:16]+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func (x *Index) fileURL(f File) string {
	if f.URL != "" {
		return f.URL
	}
	return x.filesURL + "/packages/" + projectOf(f.Name) + "/" + f.Name
}

func (f File) toldHash() string {
	switch {
	case f.NoHash:
		return ""
	case f.Hash != "":
		return f.Hash
	}
	return f.SHA256()
}

func (x *Index) htmlPage(name string, files []File) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html><head><title>Links for %s</title></head><body>\n", html.EscapeString(name))
	for _, f := range files {
		href := x.fileURL(f)
		if h := f.toldHash(); h != "" {
			href += "#sha256=" + h
		}
		fmt.Fprintf(&b, `<a href="%s"`, html.EscapeString(href))
		if f.RequiresPython != "" {
			fmt.Fprintf(&b, ` data-requires-python="%s"`, html.EscapeString(f.RequiresPython))
		}
		if f.Yanked != "" {
			fmt.Fprintf(&b, ` data-yanked="%s"`, html.EscapeString(f.Yanked))
		}
		if f.Metadata != nil {
			fmt.Fprintf(&b, ` data-dist-info-metadata="sha256=%[1]s" data-core-metadata="sha256=%[1]s"`,
				digest(f.Metadata))
		}
		fmt.Fprintf(&b, ">%s</a><br>\n", html.EscapeString(f.Name))
	}
	b.WriteString("</body></html>\n")
	return b.Bytes()
}

func (x *Index) jsonPage(name string, files []File) []byte {
	list := []map[string]any{}
	for _, f := range files {
		entry := map[string]any{
			"filename": f.Name,
			"url":      x.fileURL(f),
			"hashes":   map[string]string{},
			"size":     len(f.Data),
		}
		if h := f.toldHash(); h != "" {
			entry["hashes"] = map[string]string{"sha256": h}
		}
		if f.RequiresPython != "" {
			entry["requires-python"] = f.RequiresPython
		}
		if f.Yanked != "" {
			entry["yanked"] = f.Yanked
		}
		if f.Metadata != nil {
			entry["core-metadata"] = map[string]string{"sha256": digest(f.Metadata)}
		}
		list = append(list, entry)
	}
	page, err := json.Marshal(map[string]any{
		"meta": map[string]string{"api-version": "1.0"}, "name": name, "files": list,
	})
	if err != nil {
		panic(err) // maps of strings always marshal
	}
	return page
}

// serveFile answers /packages/PROJECT/FILE and FILE.metadata.
func (x *Index) serveFile(w http.ResponseWriter, r *http.Request) {
	dir, name := path.Split(r.URL.Path)
	for _, f := range x.project(path.Base(dir)) {
		switch name {
		case f.Name:
			w.Header().Set("Content-Type", "application/octet-stream")
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.Data))
			return
		case f.Name + ".metadata":
			if f.Metadata != nil {
				http.ServeContent(w, r, "METADATA", time.Time{}, bytes.NewReader(f.Metadata))
				return
			}
		}
	}
	http.NotFound(w, r)
}
