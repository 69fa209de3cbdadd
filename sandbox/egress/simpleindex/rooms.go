package simpleindex

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"
)

// How much of this process's memory pages may take while they are read: smallPages of smallPage
// each, and largePages of maxPageMemory each. A page that does not fit waits.
const (
	smallPage  = 1 << 20 // bytes: some 1,500 links. All but some hundred projects of PyPI have fewer
	smallPages = 64
	largePages = 2
	// maxPageMemory bounds the memory for the links of one page, in bytes. PyPI's largest pages
	// take some 12 MiB.
	maxPageMemory = 24 << 20
)

var errPageMemory = fmt.Errorf("its links take more than %d MiB: %w", maxPageMemory>>20, ErrTooLarge)

// Rooms bound how much of a process's memory all pages together may take while they are read.
type Rooms struct {
	small *semaphore.Weighted // of smallPages
	large *semaphore.Weighted // of largePages
	wait  time.Duration
}

// NewRooms makes empty rooms. A page waits for room at most this long, and then gets ErrNoRoom.
func NewRooms(wait time.Duration) *Rooms {
	return &Rooms{semaphore.NewWeighted(smallPages), semaphore.NewWeighted(largePages), wait}
}

// ErrNoRoom means that a page waited for room in vain: too many pages are being read.
var ErrNoRoom = errors.New("too many pages are being read at once")

// linkList collects a page's files within the room that the page has. leave gives the room back.
type linkList struct {
	ctx   context.Context // of the one request that this is made for
	rooms *Rooms
	files []*File
	bytes int
	large bool

	skipped int // values that are not used
}

// enter waits for the room of a small page.
func (r *Rooms) enter(ctx context.Context) (*linkList, error) {
	if err := r.acquire(ctx, r.small); err != nil {
		return nil, err
	}
	return &linkList{ctx: ctx, rooms: r}, nil
}

// acquire waits for one of s, at most as long as a client may be kept waiting. If the client leaves
// meanwhile, or has left, the error is the client's and not ErrNoRoom.
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

// maxSkipped bounds the values of a page that do not belong to a file. On PyPI the longest such
// list is PEP 700's list of versions, and it is shorter than the list of files.
const maxSkipped = 4 * maxPageLinks

var errSkipped = fmt.Errorf("it has more than %d values that are not files: %w", maxSkipped, ErrTooLarge)

// skip counts a value that is not used: it takes time, though no memory.
func (l *linkList) skip() error {
	if l.skipped++; l.skipped > maxSkipped {
		return errSkipped
	}
	return nil
}

// add keeps a file, if it is not nil. It may wait for the room of a large page.
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
