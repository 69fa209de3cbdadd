//go:build linux

package report

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"

	"golang.org/x/sys/unix"
)

// A ring is a file in memory: figures, each a little-endian uint64, and from dataAt on its bytes.
const (
	headAt     = 0  // bytes ever written, by the client
	tailAt     = 8  // bytes ever read, by PID 1
	runningAt  = 16 // 1 while a test is running, by the client
	capacityAt = 24 // set once, before the ring is sent
	processAt  = 32 // the client's process, by its own word; set likewise
	dataAt     = 64

	minCapacity = 64 << 10
	maxCapacity = 4 << 20
)

// ring is read with pread and not mapped: whoever shares it can cut it short, which ends a process
// that touches its mapping.
type ring struct {
	file     int
	capacity uint64
	process  int    // by the client's own word
	tail     uint64 // never read from the file, which anybody may change
}

// openRing takes over a descriptor that a client has sent, also where it is no ring.
func openRing(file int) (*ring, error) {
	if file < 0 {
		return nil, errHostile
	}
	r := &ring{file: file}
	if err := r.check(); err != nil {
		closeFiles(file)
		return nil, err
	}
	return r, nil
}

// check accepts nothing but a file in memory, since a read of anything else may block: only such
// files have seals.
func (r *ring) check() error {
	if _, err := unix.FcntlInt(uintptr(r.file), unix.F_GET_SEALS, 0); err != nil {
		return fmt.Errorf("a ring that is no memory: %w", err)
	}
	var figures [dataAt]byte
	if err := r.at(figures[:], 0); err != nil {
		return err
	}
	r.capacity = binary.LittleEndian.Uint64(figures[capacityAt:])
	r.process = int(binary.LittleEndian.Uint32(figures[processAt:]) &^ (1 << 31))
	if bits.OnesCount64(r.capacity) != 1 || r.capacity < minCapacity || r.capacity > maxCapacity {
		return fmt.Errorf("a ring of %d bytes", r.capacity)
	}
	return nil
}

func (r *ring) close() {
	if r != nil {
		unix.Close(r.file)
	}
}

// at fills p from the file.
func (r *ring) at(p []byte, offset int64) error {
	n, err := unix.Pread(r.file, p, offset)
	if err == nil && n < len(p) {
		err = fmt.Errorf("a ring that was cut short at %d bytes", offset+int64(n))
	}
	return err
}

// look reads the head, and whether a test is running.
func (r *ring) look() (head uint64, running bool, err error) {
	var figures [capacityAt]byte
	if err := r.at(figures[:], 0); err != nil {
		return 0, false, err
	}
	head = binary.LittleEndian.Uint64(figures[headAt:])
	if head-r.tail > r.capacity { // also where it went back
		return 0, false, fmt.Errorf("a ring whose head is at %d, and its tail at %d", head, r.tail)
	}
	return head, binary.LittleEndian.Uint64(figures[runningAt:]) == 1, nil
}

// lines reads whole lines into buf, as many as it holds; none where there is no whole line up to
// head. buf has room for the longest line.
func (r *ring) lines(head uint64, buf []byte) ([]byte, error) {
	p := buf[:min(head-r.tail, uint64(len(buf)))]
	at := r.tail & (r.capacity - 1)
	first := min(uint64(len(p)), r.capacity-at)
	if err := r.at(p[:first], dataAt+int64(at)); err != nil {
		return nil, err
	}
	if err := r.at(p[first:], dataAt); err != nil {
		return nil, err
	}
	whole := bytes.LastIndexByte(p, '\n') + 1
	if whole == 0 && len(p) == len(buf) {
		return nil, fmt.Errorf("a line of more than %d bytes", len(buf))
	}
	r.tail += uint64(whole)
	return p[:whole], nil
}

// took gives the client the room of what was read.
func (r *ring) took() error {
	var figure [8]byte
	binary.LittleEndian.PutUint64(figure[:], r.tail)
	_, err := unix.Pwrite(r.file, figure[:], tailAt)
	return err
}
