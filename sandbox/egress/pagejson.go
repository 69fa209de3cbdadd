package egress

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// jsonFile is a file in a PEP 691 page.
type jsonFile struct {
	Filename         string            `json:"filename"`
	URL              string            `json:"url"`
	Hashes           map[string]string `json:"hashes"`
	RequiresPython   string            `json:"requires-python,omitempty"`
	Yanked           any               `json:"yanked,omitempty"`             // a bool or the reason
	CoreMetadata     any               `json:"core-metadata,omitempty"`      // a bool or hashes (PEP 714)
	DistInfoMetadata any               `json:"dist-info-metadata,omitempty"` // the same by its old name
	Size             int64             `json:"size,omitempty"`
	UploadTime       string            `json:"upload-time,omitempty"`
}

// parseJSON reads a page while it comes, one file after the other, so that what is kept
// of a page is never more than its links.
func parseJSON(r io.Reader, base *url.URL) ([]*file, error) {
	dec := json.NewDecoder(r)
	if err := expect(dec, '{'); err != nil {
		return nil, err
	}
	var files []*file
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, badPage(err)
		}
		switch key {
		case "meta":
			err = checkVersion(dec)
		case "files":
			files, err = parseFiles(dec, base)
		default:
			var skipped json.RawMessage
			err = dec.Decode(&skipped)
		}
		if err != nil {
			return nil, badPage(err)
		}
	}
	return files, expect(dec, '}')
}

func badPage(err error) error { return fmt.Errorf("%w: %w", errBadPage, err) }

func expect(dec *json.Decoder, want json.Delim) error {
	tok, err := dec.Token()
	if err != nil {
		return badPage(err)
	}
	if tok != want {
		return fmt.Errorf("%w: got %v where %v should be", errBadPage, tok, want)
	}
	return nil
}

// checkVersion refuses a format that this code does not know, as PEP 629 asks.
func checkVersion(dec *json.Decoder) error {
	var meta struct {
		Version string `json:"api-version"`
	}
	if err := dec.Decode(&meta); err != nil {
		return err
	}
	if meta.Version != "" && !strings.HasPrefix(meta.Version, "1.") {
		return fmt.Errorf("the index speaks version %q of its format, 1 is known", meta.Version)
	}
	return nil
}

func parseFiles(dec *json.Decoder, base *url.URL) ([]*file, error) {
	if err := expect(dec, '['); err != nil {
		return nil, err
	}
	var files []*file
	for n := 0; dec.More(); n++ {
		if n == maxPageLinks {
			return nil, errTooMany
		}
		var j jsonFile
		if err := dec.Decode(&j); err != nil {
			return nil, err
		}
		if f := j.file(base); f != nil {
			files = append(files, f)
		}
	}
	return files, expect(dec, ']')
}

func (j jsonFile) file(base *url.URL) *file {
	if j.Filename == "" {
		return nil
	}
	f := newFile(base, j.URL, j.Filename)
	if f == nil {
		return nil
	}
	for algorithm, digest := range j.Hashes {
		if algorithm != "sha256" || f.sha256() == "" {
			f.addHash(algorithm, digest)
		}
	}
	switch y := j.Yanked.(type) {
	case bool:
		f.yanked = y
	case string:
		f.yanked, f.yankedReason = true, y
	}
	for _, m := range []any{j.CoreMetadata, j.DistInfoMetadata} {
		if hashes, ok := m.(map[string]any); ok && f.metadata == "" {
			digest, _ := hashes["sha256"].(string)
			f.setMetadata(digest)
		}
	}
	f.requiresPython, f.size, f.uploadTime = j.RequiresPython, max(j.Size, 0), j.UploadTime
	if !f.seal() {
		return nil
	}
	return f
}

// writeJSON writes the page with local links.
func (p *page) writeJSON(w io.Writer) error {
	files := make([]jsonFile, 0, len(p.files))
	for _, f := range p.files {
		files = append(files, f.json())
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Meta  map[string]string `json:"meta"`
		Name  string            `json:"name"`
		Files []jsonFile        `json:"files"`
	}{map[string]string{"api-version": "1.0"}, p.project, files})
}

func (f *file) json() jsonFile {
	j := jsonFile{
		Filename: f.name, URL: f.localURL(), Hashes: map[string]string{},
		RequiresPython: f.requiresPython, Size: f.size, UploadTime: f.uploadTime,
	}
	for _, h := range f.hashes {
		j.Hashes[h.algorithm] = h.digest
	}
	if f.yankedReason != "" {
		j.Yanked = f.yankedReason
	} else if f.yanked {
		j.Yanked = true
	}
	if f.metadata != "" {
		// By the new name alone: pip before 23.1 dies on an object under the old one (PEP 714).
		j.CoreMetadata = map[string]string{"sha256": f.metadata}
	}
	return j
}
