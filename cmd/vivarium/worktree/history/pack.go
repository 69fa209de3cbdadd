package history

import (
	"archive/tar"
	"bufio"
	"compress/zlib"
	"crypto/sha1" //nolint:gosec // git's format has it
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// PackFile is where the objects stand below .git.
const PackFile = "objects/pack/pack-0000000000000000000000000000000000000000.pack"

// tar writes the .git into a temporary file, which is gone once it is closed.
func (h *history) tar(most int64) (io.ReadCloser, error) {
	pack, err := temporary()
	if err != nil {
		return nil, err
	}
	defer pack.Close()
	size, err := h.pack(pack, most)
	if err != nil {
		return nil, err
	}
	out, err := temporary()
	if err != nil {
		return nil, err
	}
	if err := h.files(out, pack, size); err != nil {
		out.Close()
		return nil, err
	}
	return out, nil
}

// temporary is a file without a name.
func temporary() (*os.File, error) {
	f, err := os.CreateTemp("", "vivarium-history-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (h *history) files(out *os.File, pack io.ReadSeeker, size int64) error {
	w := tar.NewWriter(out)
	add := func(name string, size int64, from io.Reader) error {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: ".git/" + name, Size: size, Mode: 0o644}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err := io.CopyN(w, from, size)
		return err
	}
	var refs, shallow strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h.tags)) {
		fmt.Fprintf(&refs, "%s %s\n", h.tags[name], name)
	}
	for _, c := range h.shallow {
		fmt.Fprintln(&shallow, c)
	}
	for _, file := range []struct{ name, text string }{
		{"HEAD", h.head.String() + "\n"}, {"packed-refs", refs.String()}, {"shallow", shallow.String()},
	} {
		if file.text == "" {
			continue
		}
		if err := add(file.name, int64(len(file.text)), strings.NewReader(file.text)); err != nil {
			return err
		}
	}
	if _, err := pack.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := add(PackFile, size, pack); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, err := out.Seek(0, io.SeekStart)
	return err
}

// pack writes the objects as a pack of whole objects (gitformat-pack(5)) and returns its size.
func (h *history) pack(to io.Writer, most int64) (int64, error) {
	sum := sha1.New() //nolint:gosec // git's format has it
	counted := &counter{w: to}
	w := bufio.NewWriter(io.MultiWriter(counted, sum))
	head := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(h.objects)))
	if _, err := w.Write(head); err != nil {
		return 0, err
	}
	z, total := zlib.NewWriter(w), int64(0)
	for _, hash := range h.objects {
		o, err := h.store.EncodedObject(plumbing.AnyObject, hash)
		if err != nil {
			return 0, fmt.Errorf("read object %s: %w", hash, err)
		}
		if total += o.Size(); total > most {
			return 0, fmt.Errorf("it holds more than %d bytes", most)
		}
		if err := packOne(w, z, o); err != nil {
			return 0, fmt.Errorf("copy object %s: %w", hash, err)
		}
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	if _, err := counted.Write(sum.Sum(nil)); err != nil {
		return 0, err
	}
	return counted.n, nil
}

func packOne(w *bufio.Writer, z *zlib.Writer, o plumbing.EncodedObject) error {
	size := uint64(o.Size())
	first := byte(o.Type())<<4 | byte(size&0x0f)
	for size >>= 4; size > 0; size >>= 7 {
		if err := w.WriteByte(first | 0x80); err != nil {
			return err
		}
		first = byte(size & 0x7f)
	}
	if err := w.WriteByte(first); err != nil {
		return err
	}
	r, err := o.Reader()
	if err != nil {
		return err
	}
	defer r.Close()
	z.Reset(w)
	if _, err := io.CopyN(z, r, o.Size()); err != nil {
		return err
	}
	return z.Close()
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
