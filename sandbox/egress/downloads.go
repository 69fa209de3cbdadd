package egress

import (
	"context"
	"fmt"
	"sync"

	"vivarium/sandbox/egress/watchdog"
	"vivarium/sandbox/filecache"
)

// downloads are the downloads in progress, which clients share. Their files go into the cache.
type downloads struct {
	cache *filecache.Cache

	mu      sync.Mutex
	running map[transferKey]*transfer
}

func newDownloads(cache *filecache.Cache) *downloads {
	return &downloads{cache: cache, running: map[transferKey]*transfer{}}
}

// transferKey tells downloads apart. The address is part of it: a client that names a wrong address
// for a hash must not spoil the download of clients that name the right one.
type transferKey struct {
	sha256, url string
	own         bool
}

func keyOf(d download) transferKey { return transferKey{d.sha256, d.url.String(), d.own} }

// join adds a reader to the download of d, and starts the download when there is none. The caller
// calls leave when done.
func (s *downloads) join(d download, f *fetcher) (*transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A download that failed stays until its last reader leaves. Nobody else joins it.
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
	t.readers, t.long = 1, f.stall/watchdog.LongShare
	s.running[keyOf(d)] = t
	go t.run(ctx, f)
	return t, nil
}

// leave removes one reader. The last reader to leave ends the download, waits until it has ended,
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
