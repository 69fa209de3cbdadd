package simpleindex

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"
)

// What pages may take of this process's memory while they are read: smallPages of smallPage each,
// largePages of maxPageMemory. A page that does not fit waits.
const (
	smallPage  = 1 << 20 // bytes; some 1,500 links, more than all but some hundred projects of PyPI's have
	smallPages = 64
	largePages = 2
	// maxPageMemory bounds the links of one page, bytes. PyPI's largest pages take some 12 MiB.
	maxPageMemory = 24 << 20
)

var errPageMemory = fmt.Errorf("its links take more than %d MiB: %w", maxPageMemory>>20, ErrTooLarge)

// Rooms are what pages may have of a process's memory while they are read, all of them together.
type Rooms struct {
	small *semaphore.Weighted // of smallPages
	large *semaphore.Weighted // of largePages
	wait  time.Duration
}

// NewRooms makes them empty. A page waits for its room as long as that, which is ErrNoRoom then.
func NewRooms(wait time.Duration) *Rooms {
	return &Rooms{semaphore.NewWeighted(smallPages), semaphore.NewWeighted(largePages), wait}
}

// ErrNoRoom is a page that waited for room in vain: too many are being read.
var ErrNoRoom = errors.New("too many pages are being read at once")

// linkList collects a page's files within the room that it has. leave gives the room back.
type linkList struct {
	ctx   context.Context // of the one request that it is made for
	rooms *Rooms
	files []*File
	bytes int
	large bool

	skipped int // values that are of no use
}

// enter waits for the room of a small page.
func (r *Rooms) enter(ctx context.Context) (*linkList, error) {
	if err := r.acquire(ctx, r.small); err != nil {
		return nil, err
	}
	return &linkList{ctx: ctx, rooms: r}, nil
}

// acquire waits for one of s, not longer than a client may be kept waiting. Of a client that leaves
// meanwhile, or has left, nothing is learned of the room that there is.
func (r *Rooms) acquire(ctx context.Context, s *semaphore.Weighted) error {
	bounded, cancel := context.WithTimeout(ctx, r.wait)
	defer cancel()
	switch {
	case s.Acquire(bounded, 1) == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("the client left: %w (%w)", context.Canceled, context.Cause(ctx))
	}
	return ErrNoRoom
}

// maxSkipped bounds the values of a page that say nothing of a file. PEP 700's list of versions is
// the longest of PyPI's, and shorter than the list of files.
const maxSkipped = 4 * maxPageLinks

var errSkipped = fmt.Errorf("it has more than %d values that are not files: %w", maxSkipped, ErrTooLarge)

// skip counts a value that is of no use: it takes time, if no memory.
func (l *linkList) skip() error {
	if l.skipped++; l.skipped > maxSkipped {
		return errSkipped
	}
	return nil
}

// add keeps a file; nil is none. It may wait for the room of a large page.
func (l *linkList) add(f *File) error {
	if f == nil {
		return l.skip()
	}
	if len(l.files) == maxPageLinks {
		return errTooMany
	}
	if l.bytes += f.Memory(); l.bytes > maxPageMemory {
		return errPageMemory
	}
	if l.bytes > smallPage && !l.large {
		if err := l.rooms.acquire(l.ctx, l.rooms.large); err != nil {
			return err
		}
		l.large = true
	}
	l.files = append(l.files, f)
	return nil
}

func (l *linkList) leave() {
	if l.large {
		l.rooms.large.Release(1)
	}
	l.rooms.small.Release(1)
}
