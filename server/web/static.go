package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"time"
)

//go:embed static
var staticFiles embed.FS

// asset is an embedded file with the hash of its content, by which browsers may keep it for good:
// the address changes with the content.
type asset struct {
	content []byte
	kind    string
	version string
}

// kinds are fixed here because the system's table of media types may lack one or differ.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

var assets = readAssets()

func readAssets() map[string]asset {
	out := make(map[string]asset)
	entries, err := fs.ReadDir(staticFiles, "static")
	if err != nil {
		panic(err) // embedded files cannot fail
	}
	for _, e := range entries {
		content, err := fs.ReadFile(staticFiles, "static/"+e.Name())
		if err != nil {
			panic(err)
		}
		out[e.Name()] = newAsset(e.Name(), content)
	}
	return out
}

func newAsset(name string, content []byte) asset {
	sum := sha256.Sum256(content)
	kind, ok := kinds[path.Ext(name)]
	if !ok {
		kind = mime.TypeByExtension(path.Ext(name))
	}
	return asset{content: content, kind: kind, version: hex.EncodeToString(sum[:8])}
}

// AssetPath is the address of a static file with its version, without the site's base. It panics
// for a name that does not exist, since only our own pages name such files.
func AssetPath(name string) string {
	a, ok := assets[name]
	if !ok {
		panic("no static file " + name)
	}
	return "/static/" + name + "?v=" + a.version
}

// Static serves the embedded files by the last element of the path.
func Static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Base(r.URL.Path)
		a, ok := assets[name]
		if !ok || r.URL.Path != "/static/"+name {
			http.NotFound(w, r)
			return
		}
		a.serve(w, r, name)
	})
}

func (a asset) serve(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("ETag", `"`+a.version+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(a.content))
}
