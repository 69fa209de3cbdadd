package simpleindex

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// jsonFile is a file in a PEP 691 page. The types of its fields bound how many values are read, and
// how long they may be.
type jsonFile struct {
	Filename         string       `json:"filename"`
	URL              string       `json:"url"`
	Hashes           jsonHashes   `json:"hashes"`
	RequiresPython   string       `json:"requires-python,omitempty"`
	Yanked           jsonYanked   `json:"yanked,omitzero"`
	CoreMetadata     jsonMetadata `json:"core-metadata,omitempty"`      // PEP 714
	DistInfoMetadata jsonMetadata `json:"dist-info-metadata,omitempty"` // the same by its old name
	Size             int64        `json:"size,omitempty"`
	UploadTime       string       `json:"upload-time,omitempty"`
}

// parseJSON reads a page as it arrives, one file after the other, so that never more than the
// page's links is kept.
func parseJSON(r io.Reader, base base, l *linkList) error {
	dec := json.NewDecoder(&shapeReader{r: r})
	if err := expect(dec, '{'); err != nil {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return badPage(err)
		}
		if err := l.skip(); err != nil { // a key may occur many times
			return badPage(err)
		}
		switch key {
		case "meta":
			err = checkVersion(dec, l)
		case "files":
			err = parseFiles(dec, base, l)
		default:
			err = skip(dec, l)
		}
		if err != nil {
			return badPage(err)
		}
	}
	return expect(dec, '}')
}

// skip reads over one value, piece by piece: a decoder would keep the whole value until its end. It
// counts each piece, which takes time.
func skip(dec *json.Decoder, l *linkList) error {
	for depth := 0; ; {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		if err := l.skip(); err != nil {
			return err
		}
		switch tok {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

func badPage(err error) error { return fmt.Errorf("%w: %w", ErrBadPage, err) }

func expect(dec *json.Decoder, want json.Delim) error {
	tok, err := dec.Token()
	if err != nil {
		return badPage(err)
	}
	if tok != want {
		return fmt.Errorf("%w: got %v where %v should be", ErrBadPage, tok, want)
	}
	return nil
}

// checkVersion refuses a format that this code does not know, as PEP 629 asks.
func checkVersion(dec *json.Decoder, l *linkList) error {
	if err := expect(dec, '{'); err != nil {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		if key != "api-version" {
			err = skip(dec, l)
		} else {
			err = checkOneVersion(dec)
		}
		if err != nil {
			return err
		}
	}
	return expect(dec, '}')
}

func checkOneVersion(dec *json.Decoder) error {
	var version string
	if err := dec.Decode(&version); err != nil {
		return err
	}
	if version != "" && !strings.HasPrefix(version, "1.") {
		return fmt.Errorf("the index speaks version %.20q of its format, 1 is known", version)
	}
	return nil
}

func parseFiles(dec *json.Decoder, base base, l *linkList) error {
	if err := expect(dec, '['); err != nil {
		return err
	}
	for n := 0; dec.More(); n++ {
		if n == maxPageLinks {
			return errTooMany
		}
		var j jsonFile
		if err := dec.Decode(&j); err != nil {
			return err
		}
		if err := l.add(j.file(base)); err != nil {
			return err
		}
	}
	return expect(dec, ']')
}

func (j jsonFile) file(base base) *File {
	if j.Filename == "" {
		return nil
	}
	f := newFile(base, j.URL, j.Filename)
	if f == nil {
		return nil
	}
	for _, h := range j.Hashes {
		if h.algorithm != "sha256" || f.SHA256() == "" {
			f.addHash(h.algorithm, h.digest)
		}
	}
	f.yanked, f.yankedReason = j.Yanked.yanked, j.Yanked.reason
	for _, m := range []jsonMetadata{j.CoreMetadata, j.DistInfoMetadata} {
		if f.Metadata == "" {
			f.setMetadata(string(m))
		}
	}
	f.requiresPython, f.Size, f.uploadTime = j.RequiresPython, max(j.Size, 0), j.UploadTime
	if !f.seal() {
		return nil
	}
	return f
}

// writeJSON writes the page with local links, file by file.
func (p *Page) writeJSON(w io.Writer) error {
	b := bufio.NewWriterSize(w, 32<<10)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	fmt.Fprintf(b, `{"meta":{"api-version":"1.0"},"name":%q,"files":[`, p.Project)
	for i, f := range p.Files {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(f.json()); err != nil {
			return err
		}
	}
	fmt.Fprintln(b, "]}")
	return b.Flush()
}

func (f *File) json() jsonFile {
	return jsonFile{
		Filename: f.Name, URL: f.localURL(), Hashes: f.hashes,
		RequiresPython: f.requiresPython, Size: f.Size, UploadTime: f.uploadTime,
		Yanked: jsonYanked{f.yanked, f.yankedReason},
		// Only the new name is written: pip before 23.1 fails on an object under the old name (PEP
		// 714).
		CoreMetadata: jsonMetadata(f.Metadata),
	}
}
