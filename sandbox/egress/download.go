package egress

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"vivarium/sandbox/quantity"
)

// download says what to fetch.
type download struct {
	name   string // for people
	url    *url.URL
	own    bool   // as simpleindex.File.Own
	sha256 string // empty when the index tells none
	size   int64  // as the index says; 0 when it does not say
	limit  int64  // bytes: a larger file is refused
	room   int64  // bytes that the build's disk has; 0 when not known
}

// fits refuses a file of this length when it is too large for any build or for this one. An unknown
// length is negative.
func (d download) fits(size int64) error {
	switch {
	case size > d.limit:
		return fmt.Errorf("%s: %w of %s", d.name, errTooLarge, quantity.Bytes(d.limit))
	case d.room > 0 && size > d.room:
		return fmt.Errorf("%s: %w of the build's disk: it has %s, the disk %s", d.name, errTooLarge,
			quantity.Bytes(size), quantity.Bytes(d.room))
	}
	return nil
}

// most is how many bytes of a file of unknown length may be passed on.
func (d download) most() int64 {
	if d.room > 0 {
		return min(d.limit, d.room)
	}
	return d.limit
}

// fetchFile asks upstream for a file's bytes as they are.
func fetchFile(ctx context.Context, f *fetcher, d download) (*fetched, error) {
	res, err := f.get(ctx, target{url: d.url, trusted: d.own, checked: d.sha256 != ""},
		http.Header{"Accept-Encoding": {"identity"}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.name, err)
	}
	if res.StatusCode != http.StatusOK {
		defer res.Close()
		return nil, rejectedBy(res, d.name)
	}
	if err := d.fits(res.ContentLength); err != nil {
		res.Close()
		return nil, err
	}
	return res, nil
}
