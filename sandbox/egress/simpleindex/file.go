package simpleindex

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// File is one link of a page. It does not change once read.
type File struct {
	ID       string // of the local link: 32 hexadecimal digits that tell nothing of the address upstream
	Name     string
	URL      *url.URL // upstream; without credentials and fragment
	Own      bool     // as its page's Source.Own
	Metadata string   // SHA-256 of NAME.metadata (PEP 658); empty when not offered
	Size     int64    // bytes; 0 when not told

	hashes         []hash
	requiresPython string
	yanked         bool
	yankedReason   string
	uploadTime     string
}

// fileCost is how much memory a link takes besides its texts, in bytes.
const fileCost = 384

// Bounds of a file's entry, which stays in memory. The file's author chose some of its words.
const (
	maxURL    = 4 << 10 // bytes; an address that a file store has signed takes one or two KiB
	maxWords  = 512     // bytes, of each of the texts
	maxHashes = 8
)

// hash is a digest that a page tells, such as sha256.
type hash struct{ algorithm, digest string }

var (
	// fileNamePattern holds every name of a wheel or sdist, with PEP 440's versions.
	fileNamePattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+!~-]{0,254}$`)
	algorithms      = regexp.MustCompile(`^[a-z][a-z0-9_]{1,15}$`)
	hexDigits       = regexp.MustCompile(`^[0-9a-f]{16,256}$`)
	sha256Digits    = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// base is the address that a page's links are relative to: the page's own, or the one that the page
// names.
type base struct {
	*url.URL
	own bool // Source.Own
}

// newFile makes a link from an href in a page at base. If name is empty, the address's last segment
// is the name. The result is nil when this cannot be a file of a package: other schemes and odd
// names, which pip skips too.
func newFile(base base, href, name string) *File {
	if len(href) > maxURL {
		return nil
	}
	address, fragment, _ := strings.Cut(strings.TrimSpace(href), "#")
	u, err := base.Parse(strings.Clone(address)) // a clone, since the fragment would stay in memory with it
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil
	}
	f := &File{Name: name, Own: base.own}
	if name == "" {
		f.Name = path.Base(u.Path)
	}
	if !fileNamePattern.MatchString(f.Name) {
		return nil
	}
	algorithm, digest, _ := strings.Cut(fragment, "=")
	f.addHash(algorithm, digest)
	u.User = nil
	f.URL = u
	return f
}

// addHash adds a digest that is well-formed.
func (f *File) addHash(algorithm, digest string) {
	digest = strings.ToLower(digest)
	if (len(f.hashes) < maxHashes || algorithm == "sha256") &&
		algorithms.MatchString(algorithm) && hexDigits.MatchString(digest) &&
		(algorithm != "sha256" || sha256Digits.MatchString(digest)) {
		f.hashes = append(f.hashes, hash{strings.Clone(algorithm), strings.Clone(digest)})
	}
}

// setMetadata sets the digest of the file's metadata. Metadata without a digest could not be
// checked, so it is not offered to pip, which then reads the file itself.
func (f *File) setMetadata(sha256 string) {
	if d := strings.ToLower(sha256); sha256Digits.MatchString(d) {
		f.Metadata = d
	}
}

// seal gives the file its id, which is a hash of all that is known of the file; so it comes last.
// If something of a file changes upstream, the file gets another link, and two files with one id
// are the same. seal reports whether the file may stand in a page. It may not when its requirement
// is too long to keep: pip could not tell whether the file fits.
func (f *File) seal() bool {
	if len(f.requiresPython) > maxWords {
		return false
	}
	f.yankedReason, f.uploadTime = cut(f.yankedReason), cut(f.uploadTime)
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q %q %d",
		f.Name, f.URL.String(), f.Metadata, f.requiresPython, f.yankedReason, f.uploadTime, f.Size)
	fmt.Fprintf(h, "%t %t %q", f.Own, f.yanked, f.hashes)
	f.ID = hex.EncodeToString(h.Sum(nil)[:16])
	return true
}

// cut is the part of s that is kept. It is a copy, so that the rest of s is not kept with it.
func cut(s string) string {
	if len(s) <= maxWords {
		return s
	}
	return strings.Clone(strings.ToValidUTF8(s[:maxWords], ""))
}

// Memory is roughly how many bytes the link takes.
func (f *File) Memory() int {
	n := fileCost + 2*len(f.URL.Path) + len(f.URL.Host) + len(f.URL.RawQuery) +
		len(f.Name) + len(f.ID) + len(f.requiresPython) + len(f.yankedReason) + len(f.Metadata) + len(f.uploadTime)
	for _, h := range f.hashes {
		n += len(h.algorithm) + len(h.digest) + 32
	}
	return n
}

// SHA256 is the digest that the file is checked against; empty when the page tells none.
func (f *File) SHA256() string {
	for _, h := range f.hashes {
		if h.algorithm == "sha256" {
			return h.digest
		}
	}
	return ""
}

// fragment is the hash part of the file's link in HTML, where there is room for one.
func (f *File) fragment() string {
	if d := f.SHA256(); d != "" {
		return "#sha256=" + d
	}
	if len(f.hashes) > 0 {
		return "#" + f.hashes[0].algorithm + "=" + f.hashes[0].digest
	}
	return ""
}

// MetadataURL is where PEP 658 puts the file's metadata.
func (f *File) MetadataURL() *url.URL {
	u := *f.URL
	u.Path += ".metadata"
	if u.RawPath != "" {
		u.RawPath += ".metadata"
	}
	return &u
}

// localURL is a file's link in a page.
func (f *File) localURL() string {
	return FilesPath + f.ID + "/" + url.PathEscape(f.Name)
}
