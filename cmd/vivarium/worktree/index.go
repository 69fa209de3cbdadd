package worktree

import (
	"bufio"
	big "encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Bounds of the names in an index. In version 4 a name is a length shared with the one before it,
// and the rest; so a small file can stand for any amount of memory.
const (
	maxIndexName  = 4096 // PATH_MAX of Linux
	maxIndexNames = 256 << 20
)

// The parts of an index, from git's own index-format.txt.
const (
	indexEntrySize    = 62      // from ctime to the flags
	indexExtendedSize = 2       // more flags, when the flags say so
	indexExtendedFlag = 1 << 14 // in the flags
	indexFlagsOffset  = 60
)

// checkIndex refuses an index whose names would take more memory than its size suggests. It leaves
// f at the start, where it was.
func checkIndex(f io.ReadSeeker) error {
	if err := walkIndex(bufio.NewReaderSize(io.LimitReader(f, maxIndex), maxIndexName+1)); err != nil {
		return err
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

func walkIndex(r *bufio.Reader) error {
	var head struct {
		Signature        [4]byte
		Version, Entries uint32
	}
	if err := big.Read(r, big.BigEndian, &head); err != nil {
		return err
	}
	if head.Version != 4 {
		return nil // whole names: no larger in memory than in the file
	}
	name, total := 0, 0
	for range head.Entries {
		dropped, added, err := indexEntry(r)
		if err != nil {
			return err
		}
		if dropped > name {
			return errors.New("a name is shorter than nothing")
		}
		name += added - dropped
		total += name
		if name > maxIndexName || total > maxIndexNames {
			return fmt.Errorf("its names are too long: %d bytes in one, %d in all", name, total)
		}
	}
	return nil
}

// indexEntry reads one entry of version 4. It tells how many bytes the entry drops from the end of
// the name before it, and how many it adds.
func indexEntry(r *bufio.Reader) (dropped, added int, err error) {
	var entry [indexEntrySize]byte
	if _, err := io.ReadFull(r, entry[:]); err != nil {
		return 0, 0, err
	}
	if big.BigEndian.Uint16(entry[indexFlagsOffset:])&indexExtendedFlag != 0 {
		if _, err := r.Discard(indexExtendedSize); err != nil {
			return 0, 0, err
		}
	}
	if dropped, err = indexVarint(r); err != nil {
		return 0, 0, err
	}
	rest, err := r.ReadSlice(0)
	if err != nil {
		return 0, 0, err // also when the name is longer than the buffer of maxIndexName
	}
	return dropped, len(rest) - 1, nil
}

// indexVarint reads the variable-width number of git's packs (offset encoding).
func indexVarint(r io.ByteReader) (int, error) {
	n := 0
	for i := 0; ; i++ {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		n = n<<7 | int(b&0x7f)
		if b&0x80 == 0 {
			return n, nil
		}
		n++
		if i == 3 || n > maxIndexName {
			return 0, errors.New("a name drops more than a name can hold")
		}
	}
}
