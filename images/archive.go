package images

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"

	"github.com/klauspost/compress/zstd"
)

// Kind says what an imported file was.
type Kind string

const (
	KindExport Kind = "exported runner image"
	KindRootFS Kind = "root file system"
)

// peekSize is how much of an archive is looked at before it is streamed on: room for many headers,
// since directories may come first.
const peekSize = 64 << 10

// maxWindow bounds the memory that a zstd stream can make us allocate; zstd --long=27 needs this
// much.
const maxWindow = 128 << 20

// openArchive finds out by its first bytes what an archive is, and unpacks it. Beyond
// these it reads only what the caller asks for.
func openArchive(r io.Reader) (kind Kind, unpacked io.ReadCloser, err error) {
	unpacked, err = decompress(bufio.NewReaderSize(r, peekSize))
	if err != nil {
		return "", nil, err
	}
	b := bufio.NewReaderSize(unpacked, peekSize)
	head, err := b.Peek(peekSize)
	if err != nil && !errors.Is(err, io.EOF) {
		unpacked.Close()
		return "", nil, fmt.Errorf("read archive: %w", err)
	}
	if kind, err = classify(head); err != nil {
		unpacked.Close()
		return "", nil, err
	}
	return kind, readCloser{b, unpacked}, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

func decompress(b *bufio.Reader) (io.ReadCloser, error) {
	magic, err := b.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("read archive: %w", err)
		}
		return z, nil
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, fmt.Errorf("read archive: %w", err)
		}
		return z.IOReadCloser(), nil
	case bytes.HasPrefix(magic, []byte("BZh")), bytes.HasPrefix(magic, []byte("\xfd7zXZ")):
		return nil, errors.New("the archive is compressed with bzip2 or xz: give it as a " +
			"plain tar, or with gzip or zstd")
	}
	return io.NopCloser(b), nil
}

// imageEntry matches what only an image archive holds at its top: the files and folders of
// docker-archive, named by hash, and those of an OCI layout.
var imageEntry = regexp.MustCompile(`^(blobs(/.*)?|manifest\.json|index\.json|oci-layout|` +
	`repositories|[0-9a-f]{64}([./].*)?)$`)

// classify decides by the first entry that is not the top folder itself.
func classify(head []byte) (Kind, error) {
	t := tar.NewReader(bytes.NewReader(head))
	for {
		h, err := t.Next()
		if err != nil {
			return "", errors.New("this is neither an exported runner image nor the tar of a root file system")
		}
		name := path.Clean("/" + h.Name)[1:]
		switch {
		case name == "":
		case imageEntry.MatchString(name):
			return KindExport, nil
		default:
			return KindRootFS, nil
		}
	}
}
