package attack

import (
	"bytes"
	"compress/zlib"
	"crypto/rand"
	bits "encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"vivarium/sandbox/egress/egresstest"
)

// onlyFor puts f in the way of the requests whose path contains part. The others get otherwise, or
// pass if that is nil.
func onlyFor(part string, f egresstest.Fault, otherwise egresstest.Fault) egresstest.Fault {
	return func(next http.Handler) http.Handler {
		faulty, well := f(next), next
		if otherwise != nil {
			well = otherwise(next)
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, part) {
				faulty.ServeHTTP(w, r)
				return
			}
			well.ServeHTTP(w, r)
		})
	}
}

// beforePack answers a git fetch correctly up to the pack, lets insert write what it likes, and
// goes on with the rest if insert ever returns.
func beforePack(insert func(w io.Writer) error) egresstest.Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			for name, values := range answer.Header() {
				w.Header()[name] = values
			}
			w.Header().Del("Content-Length")
			w.WriteHeader(answer.Code)
			head, pack, found := bytes.Cut(answer.Body.Bytes(), []byte(packSection))
			_, _ = w.Write(head)
			if !found {
				return
			}
			_, _ = io.WriteString(w, packSection)
			if err := insert(flushing{w, r}); err == nil {
				_, _ = w.Write(pack)
			}
		})
	}
}

// packSection is the line of git's protocol, version 2, after which the pack comes.
const packSection = "000dpackfile\n"

// flushing sends each piece at once, and fails when the client has gone.
type flushing struct {
	w http.ResponseWriter
	r *http.Request
}

func (f flushing) Write(p []byte) (int, error) {
	if err := f.r.Context().Err(); err != nil {
		return 0, err
	}
	n, err := f.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, http.NewResponseController(f.w).Flush()
}

// trickle sends n signs of life, one every 50 ms: the empty packets that a git host sends while it
// is at work.
func trickle(n int) egresstest.Fault {
	return beforePack(func(w io.Writer) error {
		for range n {
			if _, err := io.WriteString(w, "0005\x01"); err != nil {
				return err
			}
			time.Sleep(50 * time.Millisecond)
		}
		return nil
	})
}

// endlessPack sends a pack of valid objects that never ends: it announces 64 GiB and sends on for
// ever.
func endlessPack() egresstest.Fault {
	return beforePack(func(w io.Writer) error {
		object := packObject()
		data := append([]byte("PACK\x00\x00\x00\x02\x00\x01\x00\x00"), object...)
		for {
			for len(data) > 0 {
				piece := data[:min(len(data), 65000)]
				data = data[len(piece):]
				if _, err := fmt.Fprintf(w, "%04x\x01%s", len(piece)+5, piece); err != nil {
					return err
				}
			}
			data = object
		}
	})
}

// packObject is a blob of a mebibyte that does not compress, as it stands in a pack.
func packObject() []byte {
	const size = 1 << 20
	var b bytes.Buffer
	b.WriteByte(3<<4 | size&15 | 0x80) // a blob; the low bits of the size, and more to come
	b.Write(bits.AppendUvarint(nil, size>>4))
	z := zlib.NewWriter(&b)
	content := make([]byte, size)
	_, _ = rand.Read(content)
	_, _ = z.Write(content)
	_ = z.Close()
	return b.Bytes()
}

// endlessPage is a page of the index with n files for a Python that does not exist, and then the
// file last. With n = 0 it never comes to last.
func endlessPage(n int, last, url string) egresstest.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<!DOCTYPE html><html><body>\n")
			for i := 1; n == 0 || i <= n; i++ {
				const link = "<a href=\"files/f-%[1]d.tar.gz\" data-requires-python=\"&gt;=99\">f-%[1]d.tar.gz</a>\n"
				if _, err := fmt.Fprintf(w, link, i); err != nil {
					return
				}
			}
			fmt.Fprintf(w, "<a href=%q>%s</a></body></html>\n", url, last)
		})
	}
}

// endlessFile sends a file that has no end.
func endlessFile(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		block := make([]byte, 64<<10)
		for {
			if _, err := (flushing{w, r}).Write(block); err != nil {
				return
			}
		}
	})
}
