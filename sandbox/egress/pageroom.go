package egress

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

// What pages may take of this process's memory while they are read: smallPages of smallPage each, largePages
// of maxPageMemory. A page that does not fit waits.
const (
	smallPage  = 1 << 20 // bytes; some 1,500 links, more than all but some hundred projects of PyPI's have
	smallPages = 64
	largePages = 2
	// maxPageMemory bounds the links of one page, bytes. PyPI's largest pages take some 12 MiB.
	maxPageMemory = 24 << 20
	// roomWait is how long a page waits for room: pip waits for 15 s, and then asks again.
	roomWait = 10 * time.Second
)

// What sessions may remember of their pages, bytes: one of them, and all that this process has.
const (
	maxTable  = 128 << 20 // some 150,000 links of PyPI's
	maxTables = 384 << 20
)

var errPageMemory = fmt.Errorf("its links take more than %s: %w", mebibytes(maxPageMemory), errTooLarge)

// rooms is what pages have of a process's memory.
type rooms struct {
	small  *semaphore.Weighted // of smallPages
	large  *semaphore.Weighted // of largePages
	tables *semaphore.Weighted // bytes
	wait   time.Duration
}

func newRooms() *rooms {
	return &rooms{semaphore.NewWeighted(smallPages), semaphore.NewWeighted(largePages), semaphore.NewWeighted(maxTables), roomWait}
}

// processRooms are shared by whatever indexes a process has.
var processRooms = newRooms()

// errNoRoom is a page that waited for room in vain.
var errNoRoom = &refusal{
	status: http.StatusServiceUnavailable, reason: "package index: the server is reading too many pages at once; try again",
	trouble: &Trouble{says: "was not read: the server reads too many large pages at once"},
}

// linkList collects a page's files within the room that it has. leave gives the room back.
type linkList struct {
	ctx   context.Context // of the one request that it is made for
	rooms *rooms
	files []*file
	bytes int
	large bool

	skipped int // values that are of no use
}

// enter waits for the room of a small page.
func (r *rooms) enter(ctx context.Context) (*linkList, error) {
	if err := r.acquire(ctx, r.small); err != nil {
		return nil, err
	}
	return &linkList{ctx: ctx, rooms: r}, nil
}

// acquire waits for one of s, not longer than a client may be kept waiting. A client that leaves meanwhile
// has left for want of room, too.
func (r *rooms) acquire(ctx context.Context, s *semaphore.Weighted) error {
	ctx, cancel := context.WithTimeout(ctx, r.wait)
	defer cancel()
	if s.Acquire(ctx, 1) != nil {
		return errNoRoom
	}
	return nil
}

// maxSkipped bounds the values of a page that say nothing of a file. PEP 700's list of versions is the longest of
// PyPI's, and shorter than the list of files.
const maxSkipped = 4 * maxPageLinks

var errSkipped = fmt.Errorf("it has more than %d values that are not files: %w", maxSkipped, errTooLarge)

// skip counts a value that is of no use: it takes time, if no memory.
func (l *linkList) skip() error {
	if l.skipped++; l.skipped > maxSkipped {
		return errSkipped
	}
	return nil
}

// add keeps a file; nil is none. It may wait for the room of a large page.
func (l *linkList) add(f *file) error {
	if f == nil {
		return l.skip()
	}
	if len(l.files) == maxPageLinks {
		return errTooMany
	}
	if l.bytes += f.memory(); l.bytes > maxPageMemory {
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
