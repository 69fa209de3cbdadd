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
	// probeBytes is how much of an answer a probe reads, so that it notices an answer that breaks
	// off.
	probeBytes = 64 << 10
	// probedProject is the project whose page a probe asks for. It need not exist.
	probedProject = "pip"
)

// ProbeGit reports whether the git host answers now: nil, or one line that names host and error.
// repository is the URL of any repository on that host. The probe sends one request, without
// credentials, and takes at most 10 s. Every answer counts that is not an outage, 401 and 404 too:
// only a fetch tells whether a token may read the repository.
func ProbeGit(ctx context.Context, repository *url.URL) error {
	u := *repository
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(u.String(), "/")+advertisePath, nil)
	if err != nil {
		return fmt.Errorf("the repository's address is not a valid URL")
	}
	// With protocol version 2 the answer is a short list of capabilities, whatever the repository's
	// size.
	req.Header = http.Header{
		"User-Agent":      {"git/vivarium"},
		"Git-Protocol":    {"version=2"},
		"Accept-Encoding": {"identity"},
	}
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

// Probe reports whether the package index answers now: nil, or one line that names host and error.
// The probe asks for one page, once, past the cache, and takes at most 10 s. Every answer counts
// that is not an outage, 404 too. It does not ask the hosts of files: a build that waits for one
// finds out by trying again.
func (x *Index) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	header := http.Header{
		"Accept":          {simpleindex.JSONType + ", " + simpleindex.PlainType + ";q=0.1"},
		"Accept-Encoding": {"gzip"},
	}
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

// tellAnswer says what is wrong with an answer, in words that follow the host's name; empty when
// nothing is.
func tellAnswer(res *http.Response, body io.Reader) string {
	if isTrouble(res.StatusCode) {
		return "answered " + statusText(res.StatusCode)
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(body, probeBytes)); err != nil {
		return "broke off its answer: " + brief(err)
	}
	return ""
}
