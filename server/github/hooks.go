package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"vivarium/pipeline"
	"vivarium/server/github/names"

	gh "github.com/google/go-github/v60/github"
)

// maxRepositories bounds the listing of an owner's repositories.
const maxRepositories = 10_000

// Repository is what a listing says about one repository.
type Repository struct {
	FullName string
	Archived bool // it accepts no pushes and no hooks
}

// listed is what we read of a repository in GitHub's answers. go-github's own type fails on custom
// properties that are lists, and then the whole answer is lost.
type listed struct {
	ID       int64  `json:"id"`
	FullName string `json:"full_name"`
	Archived bool   `json:"archived"`
	Owner    struct {
		Login string `json:"login"`
	} `json:"owner"`
}

// Repositories lists the repositories of an organization or a user that the token may see.
func (c *Client) Repositories(ctx context.Context, owner string) ([]Repository, error) {
	ctx = forErrand(ctx, "", pipeline.PurposeManage)
	all, err := c.listRepositories(ctx, "orgs/"+url.PathEscape(owner)+"/repos")
	var refusal *APIError
	if errors.As(err, &refusal) && refusal.Code == http.StatusNotFound { // a user, not an organization
		all, err = c.listRepositories(ctx, "user/repos")
	}
	if err != nil {
		return nil, fmt.Errorf("list the repositories of %s: %w", owner, plain(err))
	}
	var own []Repository
	for _, r := range all {
		if strings.EqualFold(r.Owner.Login, owner) {
			own = append(own, Repository{FullName: r.FullName, Archived: r.Archived})
		}
	}
	return own, nil
}

func (c *Client) listRepositories(ctx context.Context, path string) ([]listed, error) {
	return paged(func(o gh.ListOptions) (page []listed, resp *gh.Response, err error) {
		resp, err = c.get(ctx, fmt.Sprintf("%s?per_page=%d&page=%d", path, o.PerPage, max(o.Page, 1)), &page)
		return page, resp, err
	})
}

// get decodes an answer into a type of ours.
func (c *Client) get(ctx context.Context, path string, into any) (*gh.Response, error) {
	req, err := c.api.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	return c.api.Do(ctx, req, into)
}

// paged reads all pages of a listing.
func paged[T any](list func(gh.ListOptions) ([]T, *gh.Response, error)) ([]T, error) {
	o := gh.ListOptions{PerPage: perPage}
	var all []T
	for len(all) < maxRepositories {
		page, resp, err := list(o)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if resp.NextPage == 0 {
			return all, nil
		}
		o.Page = resp.NextPage
	}
	return nil, fmt.Errorf("the list has more than %d entries: ask for fewer at a time", maxRepositories)
}

// EnsureHook creates a webhook for pushes, pull requests and what becomes of the repository, with this
// secret, or changes the webhook that the repository has for this URL, and makes GitHub send a ping.
// GitHub's own errors are *APIError.
func (c *Client) EnsureHook(ctx context.Context, fullName, hookURL, secret string) (id int64, created bool, err error) {
	owner, name, err := names.SplitFullName(fullName)
	if err != nil {
		return 0, false, err
	}
	ctx = forErrand(ctx, fullName, pipeline.PurposeManage)
	if id, err = c.hookFor(ctx, owner, name, hookURL); err != nil {
		return 0, false, fmt.Errorf("list its webhooks: %w", plain(err))
	}
	contentType, insecure, active := "json", "0", true
	hook := &gh.Hook{
		Config: &gh.HookConfig{URL: &hookURL, ContentType: &contentType, InsecureSSL: &insecure, Secret: &secret},
		Events: []string{"push", "pull_request", "issue_comment", "repository", "meta"}, Active: &active,
	}
	if id == 0 { // GitHub pings a new webhook by itself
		hook, _, err = c.api.Repositories.CreateHook(ctx, owner, name, hook)
		if err != nil {
			return 0, false, fmt.Errorf("create its webhook: %w", plain(err))
		}
		return hook.GetID(), true, nil
	}
	if _, _, err := c.api.Repositories.EditHook(ctx, owner, name, id, hook); err != nil {
		return 0, false, fmt.Errorf("change its webhook: %w", plain(err))
	}
	if _, err := c.api.Repositories.PingHook(ctx, owner, name, id); err != nil {
		return 0, false, fmt.Errorf("ping its webhook: %w", plain(err))
	}
	return id, false, nil
}

// hookFor finds the repository's webhook for a URL; 0 for none.
func (c *Client) hookFor(ctx context.Context, owner, name, hookURL string) (int64, error) {
	hooks, err := paged(func(o gh.ListOptions) ([]*gh.Hook, *gh.Response, error) {
		return c.api.Repositories.ListHooks(ctx, owner, name, &o)
	})
	for _, h := range hooks {
		if h.GetConfig().GetURL() == hookURL {
			return h.GetID(), err
		}
	}
	return 0, err
}

// HookAnswer is GitHub's account of the webhook's last delivery: its own word and, where there was
// an answer, the answer's code.
func (c *Client) HookAnswer(ctx context.Context, fullName string, id int64) (string, error) {
	owner, name, err := names.SplitFullName(fullName)
	if err != nil {
		return "", err
	}
	ctx = forErrand(ctx, fullName, pipeline.PurposeManage)
	hook, _, err := c.api.Repositories.GetHook(ctx, owner, name, id)
	if err != nil {
		return "", fmt.Errorf("ask for the webhook of %s: %w", fullName, plain(err))
	}
	var words []string
	for _, part := range []string{"status", "code", "message"} {
		if v := hook.LastResponse[part]; v != nil {
			words = append(words, fmt.Sprint(v))
		}
	}
	return names.Clean(strings.Join(words, " "), 200), nil
}
