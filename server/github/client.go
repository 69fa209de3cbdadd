// Package github asks GitHub what Vivarium needs to know, and tells it what came of builds: by commit
// statuses and check runs.
package github

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	gh "github.com/google/go-github/v60/github"

	"vivarium/pipeline"
	"vivarium/server/github/names"
)

// MaxDescription is the longest description of a commit status, in characters. GitHub answers 422
// to a longer one.
const MaxDescription = 140

const (
	defaultTimeout = 15 * time.Second
	perPage        = 100
	// maxPages bounds a listing. GitHub accepts at most 1000 statuses for one commit and context.
	maxPages = 10
)

// Config for New.
type Config struct {
	APIURL  string        // GITHUB_API_URL, used as it is
	Tokens  TokenSource   // nil: requests carry no token
	Timeout time.Duration // of one request; 0 is 15 s
}

// String leaves the source of tokens out.
func (c Config) String() string { return "GitHub API at " + c.APIURL }

// GoString leaves the source of tokens out.
func (c Config) GoString() string { return c.String() }

// LogValue leaves the source of tokens out.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Client sets and reads commit statuses. Several goroutines may use it at once.
type Client struct {
	api       *gh.Client
	transport *transport
}

// New makes a client. It sends nothing yet.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.APIURL)
	if err != nil {
		return nil, errors.New("GITHUB_API_URL is not a URL") // the cause would quote the URL with its credentials
	}
	if err := checkBase(base); err != nil {
		return nil, fmt.Errorf("GITHUB_API_URL %w", err)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	t := newTransport(base, c.Tokens)
	api := gh.NewClient(&http.Client{Transport: t, CheckRedirect: checkRedirect, Timeout: c.Timeout})
	api.BaseURL = base.JoinPath("/") // WithEnterpriseURLs would append a path of its own
	api.UserAgent = "vivarium"
	return &Client{api: api, transport: t}, nil
}

// Close releases idle connections.
func (c *Client) Close() { c.transport.base.CloseIdleConnections() }

// Post sets a commit status. Its errors are *pipeline.RefusedError and *pipeline.RetryError.
func (c *Client) Post(ctx context.Context, st pipeline.CommitStatus) error {
	owner, name, err := checkTarget(st.Repo, st.SHA)
	if err != nil {
		return err
	}
	if n := utf8.RuneCountInString(st.Description); n > MaxDescription {
		return refuse("the description has %d characters, and GitHub accepts %d", n, MaxDescription)
	}
	body := &gh.RepoStatus{State: &st.State, Context: &st.Context, Description: &st.Description}
	if st.TargetURL != "" {
		body.TargetURL = &st.TargetURL
	}
	ctx = forErrand(ctx, st.Repo, pipeline.PurposeReport)
	_, _, err = c.api.Repositories.CreateStatus(ctx, owner, name, st.SHA, body)
	return outcome(err)
}

// Read returns the newest status of one context on a commit; its State is empty when there is none.
// Read's errors are those of Post.
func (c *Client) Read(ctx context.Context, repo, sha, statusContext string) (pipeline.CommitStatus, error) {
	owner, name, err := checkTarget(repo, sha)
	if err != nil {
		return pipeline.CommitStatus{}, err
	}
	ctx = forErrand(ctx, repo, pipeline.PurposeReport)
	opts := &gh.ListOptions{PerPage: perPage}
	for range maxPages {
		// The combined status holds the newest status of each context and nothing else.
		combined, resp, err := c.api.Repositories.GetCombinedStatus(ctx, owner, name, sha, opts)
		if err != nil {
			return pipeline.CommitStatus{}, outcome(err)
		}
		for _, s := range combined.Statuses {
			if strings.EqualFold(s.GetContext(), statusContext) { // GitHub ignores case
				return commitStatus(repo, sha, s), nil
			}
		}
		if resp.NextPage == 0 {
			break
		}
		opts.Page = resp.NextPage
	}
	return pipeline.CommitStatus{}, nil
}

// Statuses lists what GitHub holds for a ref: every context, newest first (for `vivarium builds
// status`).
func (c *Client) Statuses(ctx context.Context, repo, ref string) ([]pipeline.CommitStatus, error) {
	owner, name, err := names.SplitFullName(repo)
	if err != nil {
		return nil, fmt.Errorf("list statuses: %w", err)
	}
	if !names.ValidRef(ref) {
		return nil, fmt.Errorf("list statuses: %.80q is not a commit, branch or tag", ref)
	}
	ctx = forErrand(ctx, repo, pipeline.PurposeReport)
	var all []pipeline.CommitStatus
	opts := &gh.ListOptions{PerPage: perPage}
	for range maxPages {
		page, resp, err := c.api.Repositories.ListStatuses(ctx, owner, name, ref, opts)
		if err != nil {
			return nil, fmt.Errorf("list statuses of %s at %s: %w", repo, ref, plain(err))
		}
		for _, s := range page {
			all = append(all, commitStatus(repo, path.Base(s.GetURL()), s))
		}
		if resp.NextPage == 0 {
			break
		}
		opts.Page = resp.NextPage
	}
	return all, nil
}

func checkTarget(repo, sha string) (owner, name string, err error) {
	if !names.ValidSHA(sha) {
		return "", "", refuse("%.80q is not the full id of a commit", sha)
	}
	if owner, name, err = names.SplitFullName(repo); err != nil {
		return "", "", refuse("%v", err)
	}
	return owner, name, nil
}

// refuse refuses a status as GitHub would, without asking GitHub.
func refuse(format string, args ...any) error {
	return &pipeline.RefusedError{Code: http.StatusUnprocessableEntity, Message: fmt.Sprintf(format, args...)}
}

// commitStatus converts GitHub's status to ours; sha is empty where GitHub's answer did not hold
// it.
func commitStatus(repo, sha string, s *gh.RepoStatus) pipeline.CommitStatus {
	if !names.ValidSHA(sha) {
		sha = ""
	}
	return pipeline.CommitStatus{
		Repo:        repo,
		SHA:         sha,
		Context:     s.GetContext(),
		State:       s.GetState(),
		Description: s.GetDescription(),
		TargetURL:   s.GetTargetURL(),
	}
}

// NameOf asks for the present name of a repository, given its id. GitHub knows a repository by its
// id through renamings and transfers. About may say which repository it probably is.
func (c *Client) NameOf(ctx context.Context, id int64) (fullName string, err error) {
	if _, said := ctx.Value(errandKey{}).(errand); !said {
		ctx = About(ctx, "")
	}
	var repo listed
	if _, err := c.get(ctx, fmt.Sprintf("repositories/%d", id), &repo); err != nil {
		return "", fmt.Errorf("ask for the repository of id %d: %w", id, err)
	}
	return repo.FullName, nil
}

// IDOf asks for the id of a repository.
func (c *Client) IDOf(ctx context.Context, fullName string) (int64, error) {
	owner, name, err := names.SplitFullName(fullName)
	if err != nil {
		return 0, err
	}
	ctx = forErrand(ctx, fullName, pipeline.PurposeManage)
	var repo listed
	if _, err := c.get(ctx, "repos/"+owner+"/"+name, &repo); err != nil {
		return 0, fmt.Errorf("ask for the id of %s: %w", fullName, err)
	}
	return repo.ID, nil
}
