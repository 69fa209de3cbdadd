package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"vivarium/pipeline/termtext"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// advertised holds the refs of a remote repository, as its host lists them.
type advertised struct {
	names  map[string]string // object ID by ref name, HEAD included
	peeled map[string]string // commit by the ID of its tag object
}

// advertisedRef is a line of the list (gitprotocol-http(5), "Smart Clients"). go-git's own reader
// knows only SHA-1.
var advertisedRef = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64}) ([^\x00\n]+)`)

const advertisement = "application/x-git-upload-pack-advertisement"

var errNotGit = errors.New("it does not answer as a git host does (smart HTTP)")

// advertised asks the host for its refs, over smart HTTP.
func (r Resolver) advertised(ctx context.Context) (*advertised, error) {
	ctx, cancel := context.WithTimeout(ctx, advertiseTimeout)
	defer cancel()
	u := r.Repo.URL.JoinPath("info", "refs")
	u.RawQuery = "service=git-upload-pack"
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	q.Header.Set("Accept", "*/*") // and no Git-Protocol: version 0 begins with the whole list
	q.Header.Set("User-Agent", "git/vivarium")
	token, err := r.Repo.Token(ctx)
	if err != nil {
		return nil, err
	}
	if token != "" {
		q.SetBasicAuth("x-access-token", token)
	}
	client := &http.Client{Transport: boundedTransport{}}
	answer, err := client.Do(q)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if err := githttp.NewErr(answer); err != nil {
		return nil, err
	}
	if answer.Header.Get("Content-Type") != advertisement {
		return nil, errNotGit
	}
	return readAdvertised(answer.Body)
}

// readAdvertised reads the list. A repository without a commit has an empty list, or one line that
// names no object.
func readAdvertised(list io.Reader) (*advertised, error) {
	a := &advertised{names: map[string]string{}, peeled: map[string]string{}}
	lines := pktline.NewScanner(list)
	for lines.Scan() {
		line := bytes.TrimSuffix(lines.Bytes(), []byte("\n"))
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if why, refused := bytes.CutPrefix(line, []byte("ERR ")); refused {
			return nil, errors.New(string(why))
		}
		ref := advertisedRef.FindSubmatch(line)
		if ref == nil {
			return nil, fmt.Errorf("%w: %q is no line of a list of refs", errNotGit, termtext.OneLine(string(line)))
		}
		a.add(string(ref[2]), string(ref[1]))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the list of refs: %w", err)
	}
	if len(a.names) == 0 {
		return nil, transport.ErrEmptyRemoteRepository
	}
	return a, nil
}

func (a *advertised) add(name, object string) {
	if name == "capabilities^{}" { // the placeholder for a first ref
		return
	}
	if tag, ok := strings.CutSuffix(name, "^{}"); ok {
		a.peeled[tag] = object
		return
	}
	a.names[name] = object
}

// find tries a full name, a branch and a tag, in this order. A tag object yields the commit that it
// names.
func (a *advertised) find(ref string) string {
	for _, name := range []string{ref, "refs/heads/" + ref, "refs/tags/" + ref, "refs/" + ref} {
		if commit, ok := a.peeled[name]; ok {
			return commit
		}
		if commit, ok := a.names[name]; ok {
			return commit
		}
	}
	return ""
}
