package egress

import (
	"net/http"
	"net/netip"
	"net/url"
)

type IndexConfig struct {
	Upstream *url.URL       // the simple index, such as https://pypi.org/simple/
	CacheDir string         // files are kept here by their hash; empty keeps none
	Allow    []netip.Prefix // private addresses that files may be fetched from all the same
	MaxFile  int64          // bytes; 0 is the default
	MaxPage  int64          // bytes; 0 is the default
}
// Index is the configured package index.
type Index struct{}

const IndexPath = "/simple/"

func NewIndex(c IndexConfig) (*Index, error)                 { panic("contract") }
func (x *Index) Session(note func(line string)) http.Handler { panic("contract") }
