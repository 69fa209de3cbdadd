package wire

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// ErrForged means that bytes came that the other end did not send.
var ErrForged = errors.New("the session holds bytes that the other end did not send")

const (
	keySize = chacha20poly1305.KeySize
	// pieceSize bounds the plain text of one sealed piece.
	pieceSize = 64 << 10
	tagSize   = chacha20poly1305.Overhead
)

// Which end seals is part of each nonce, so that no piece can be sent back to its sender.
const (
	fromHost  = 1
	fromGuest = 2
)

// sealed is a connection whose bytes only the two ends can have written (ChaCha20-Poly1305, RFC
// 8439, each piece under the next number of its direction). The host sends the key before anything
// of a build runs, and a build cannot read PID 1's memory. Without sealing, a process could write
// into PID 1's stdio wherever the kernel lets it open /proc/1/fd, as gVisor's does.
//
// The cipher is as fast as AES-GCM on machines with instructions for AES (2.7 GiB/s on amd64), and
// far faster on those without: small ARM boards, emulated machines.
//
// A piece is its length as a big-endian uint32 and the sealed text. One goroutine reads and one
// writes, as yamux does.
type sealed struct {
	io.ReadWriteCloser
	forged func() // called once; may be nil

	ready chan struct{} // closed when aead is there
	once  sync.Once
	aead  cipher.AEAD
	key   []byte // the host's, until it is sent

	in, out     nonce
	plain, left []byte // the opened text, and the part of it that is still to be read
	buf         []byte
}

// nonce counts the pieces of one direction.
type nonce struct {
	from  byte
	count uint64
}

func (n *nonce) next() []byte {
	var b [12]byte
	b[0] = n.from
	binary.BigEndian.PutUint64(b[4:], n.count)
	n.count++
	return b[:]
}

func sealHost(conn io.ReadWriteCloser, forged func()) *sealed {
	s := &sealed{ReadWriteCloser: conn, forged: forged, ready: make(chan struct{}), key: make([]byte, keySize)}
	s.in, s.out = nonce{from: fromGuest}, nonce{from: fromHost}
	_, _ = rand.Read(s.key) // never fails (crypto/rand)
	s.use(s.key)
	return s
}

func sealGuest(conn io.ReadWriteCloser) *sealed {
	return &sealed{
		ReadWriteCloser: conn,
		ready:           make(chan struct{}),
		in:              nonce{from: fromHost},
		out:             nonce{from: fromGuest},
	}
}

func (s *sealed) use(key []byte) {
	var err error
	s.aead, err = chacha20poly1305.New(key)
	if err != nil {
		panic(err) // a key of this size always fits
	}
	close(s.ready)
}

func (s *sealed) Read(p []byte) (int, error) {
	for len(s.left) == 0 {
		if err := s.open(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.left)
	s.left = s.left[n:]
	return n, nil
}

func (s *sealed) open() error {
	if s.aead == nil { // the guest's first read
		key := make([]byte, keySize)
		if _, err := io.ReadFull(s.ReadWriteCloser, key); err != nil {
			return err
		}
		s.use(key)
	}
	var head [4]byte
	if _, err := io.ReadFull(s.ReadWriteCloser, head[:]); err != nil {
		return err
	}
	size := int(binary.BigEndian.Uint32(head[:]))
	if size <= tagSize || size > pieceSize+tagSize {
		return s.broken()
	}
	if cap(s.plain) < size {
		s.plain = make([]byte, size)
	}
	piece := s.plain[:size]
	if _, err := io.ReadFull(s.ReadWriteCloser, piece); err != nil {
		return err
	}
	text, err := s.aead.Open(piece[:0], s.in.next(), piece, nil)
	if err != nil {
		return s.broken()
	}
	s.left = text
	return nil
}

func (s *sealed) broken() error {
	if s.forged != nil {
		s.once.Do(s.forged)
	}
	return ErrForged
}

func (s *sealed) Write(p []byte) (int, error) {
	<-s.ready
	s.buf = append(s.buf[:0], s.key...)
	s.key = nil
	for rest := p; len(rest) > 0; {
		n := min(len(rest), pieceSize)
		s.buf = binary.BigEndian.AppendUint32(s.buf, uint32(n+tagSize))
		s.buf = s.aead.Seal(s.buf, s.out.next(), rest[:n], nil)
		rest = rest[n:]
	}
	if _, err := s.ReadWriteCloser.Write(s.buf); err != nil {
		return 0, fmt.Errorf("write to the session: %w", err)
	}
	return len(p), nil
}
