package egress

import (
	"context"
	"fmt"
	"sync"

	"vivarium/sandbox/filecache"
)

// downloads are those under way, which clients share. Their files come into the cache.
type downloads struct {
	cache *filecache.Cache

	mu      sync.Mutex
	running map[transferKey]*transfer
}

func newDownloads(cache *filecache.Cache) *downloads {
	return &downloads{cache: cache, running: map[transferKey]*transfer{}}
}

// transferKey tells downloads apart. The address is part of it: whoever names a wrong one
// for a hash must not spoil the download of those who name the right one.
type transferKey struct {
	sha256, url string
	own         bool
}

func keyOf(d download) transferKey { return transferKey{d.sha256, d.url.String(), d.own} }

// join takes part in the download of d, and starts it when there is none. The caller
// leaves it when done.
func (s *downloads) join(d download, f *fetcher) (*transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// One that failed stays until its last reader leaves, and is nobody else's.
	if t := s.running[keyOf(d)]; t != nil && !t.failed() {
		t.readers++
		return t, nil
	}
	file, err := s.cache.Create()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.name, err)
	}
	// Not the client's context: others may go on reading when the first one leaves.
	ctx, cancel := context.WithCancel(context.Background())
	t := newTransfer(d, file, cancel)
	t.readers, t.long = 1, f.stall/longShare
	s.running[keyOf(d)] = t
	go t.run(ctx, f)
	return t, nil
}

// leave ends one client's part. The last one to leave ends the download, waits for that
// and releases the file.
func (s *downloads) leave(t *transfer) {
	s.mu.Lock()
	t.readers--
	last := t.readers == 0
	if last && s.running[keyOf(t.download)] == t {
		delete(s.running, keyOf(t.download))
	}
	s.mu.Unlock()
	if !last {
		return
	}
	t.cancel()
	<-t.done
	t.file.Close()
}
