package egress

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"vivarium/sandbox/egress/simpleindex"
)

const (
	// probeTimeout bounds a probe as a whole.
	probeTimeout = 10 * time.Second
	// probeBytes is how much of an answer a probe reads, to notice one that breaks off.
	probeBytes = 64 << 10
	// probedProject is asked for by a probe of an index. It need not be there.
	probedProject = "pip"
)

// ProbeGit reports whether the git host answers now: nil, or one line that names host and error.
// repository is the URL of a repository that waits; any other of the same host would do. It asks
// without credentials, once, for at most 10 s. Every answer that is not an outage is good, also
// 401 and 404: whether a token may read the repository is for the fetch to say.
func ProbeGit(ctx context.Context, repository *url.URL) error {
	u := *repository
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(u.String(), "/")+advertisePath, nil)
	if err != nil {
		return fmt.Errorf("the repository's address is not a valid URL")
	}
	// Of version 2 the answer is a list of capabilities, whatever the repository's size.
	req.Header = http.Header{"User-Agent": {"git/vivarium"}, "Git-Protocol": {"version=2"}, "Accept-Encoding": {"identity"}}
	res, err := sharedOwn().RoundTrip(req)
	if err != nil {
		return fmt.Errorf("git host %s %s", u.Host, silence(err))
	}
	defer res.Body.Close()
	if no := tellAnswer(res, res.Body); no != "" {
		return fmt.Errorf("git host %s %s", u.Host, no)
	}
	return nil
}

// Probe reports whether the package index answers now: nil, or one line that names host and error. It
// asks for one page, once, for at most 10 s, past the cache. Every answer that is not an outage is good,
// also 404. The hosts of files are not asked: whoever waits for one finds out by trying again.
func (x *Index) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	header := http.Header{"Accept": {simpleindex.JSONType + ", " + simpleindex.PlainType + ";q=0.1"}, "Accept-Encoding": {"gzip"}}
	res, err := x.fetcher.get(ctx, x.pageOf(probedProject), header)
	if err != nil {
		return fmt.Errorf("index %s %s", x.upstream.Host, silence(err))
	}
	defer res.Close()
	if no := tellAnswer(res.Response, res.body); no != "" {
		return fmt.Errorf("index %s %s", x.upstream.Host, no)
	}
	return nil
}

// tellAnswer is what is wrong with an answer, for after the host's name; empty when nothing is.
func tellAnswer(res *http.Response, body io.Reader) string {
	if isTrouble(res.StatusCode) {
		return "answered " + statusText(res.StatusCode)
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(body, probeBytes)); err != nil {
		return "broke off its answer: " + brief(err)
	}
	return ""
}
