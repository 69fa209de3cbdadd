package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"vivarium/pipeline"
	"vivarium/pipeline/wanted"
	"vivarium/server/github/names"
	"vivarium/server/heads"
)

// Look is what GitHub said of a repository when it was asked where its branches are.
type Look struct {
	Repo     pipeline.Repository
	Archived bool
	Heads    []heads.Head
	// Changed says that something of it is not as it was at the look before.
	Changed bool

	answers map[string]answered // by path, to ask whether they still hold
}

// answered is an answer that GitHub has given a tag to.
type answered struct {
	tag   string
	value any
}

// looking is one look under way.
type looking struct {
	*Client
	last *Look
	now  *Look
}

// Branches tells where the branches of repositories are, and what their commits say.
type Branches struct{ *Client }

// Look asks where the branches of a repository are. last is the look before; nil: there was none.
// What has not changed since costs nothing of the rate limit, where there is a token
// (docs.github.com, "Best practices for using the REST API", on conditional requests). Errors of
// GitHub's own are *APIError.
func (c Branches) Look(ctx context.Context, fullName string, last *Look) (*Look, error) {
	owner, name, err := names.SplitFullName(fullName)
	if err != nil {
		return nil, err
	}
	ctx = forErrand(ctx, fullName, pipeline.PurposeClone)
	if last == nil {
		last = &Look{}
	}
	l := looking{c.Client, last, &Look{answers: map[string]answered{}}}
	path := "repos/" + owner + "/" + name
	if err := l.repository(ctx, path); err != nil {
		return nil, fmt.Errorf("look at %s: %w", fullName, plain(err))
	}
	if err := l.branches(ctx, path+"/branches"); err != nil {
		return nil, fmt.Errorf("look at the branches of %s: %w", fullName, plain(err))
	}
	return l.now, nil
}

func (l looking) repository(ctx context.Context, path string) error {
	a, err := ask[struct {
		ID            int64  `json:"id"`
		FullName      string `json:"full_name"`
		Private       bool   `json:"private"`
		DefaultBranch string `json:"default_branch"`
		Archived      bool   `json:"archived"`
	}](ctx, l, path)
	if err != nil {
		return err
	}
	if _, _, err := names.SplitFullName(a.FullName); err != nil {
		return fmt.Errorf("its answer: %w", err)
	}
	l.now.Archived = a.Archived
	l.now.Repo = pipeline.Repository{
		ID: a.ID, FullName: a.FullName, DefaultBranch: a.DefaultBranch, Private: a.Private,
	}
	return nil
}

func (l looking) branches(ctx context.Context, path string) error {
	type branch struct {
		Name   string `json:"name"`
		Commit struct {
			SHA string `json:"sha"`
		} `json:"commit"`
	}
	for page := 1; page > 0 && len(l.now.Heads) < maxRepositories; {
		this := fmt.Sprintf("%s?per_page=%d&page=%d", path, perPage, page)
		list, err := ask[[]branch](ctx, l, this)
		if err != nil {
			return err
		}
		for _, b := range list {
			// What git would not take as a branch's name stands in no ref.
			if ref := pipeline.BranchRef(b.Name); names.ValidRef(string(ref)) && names.ValidSHA(b.Commit.SHA) {
				l.now.Heads = append(l.now.Heads, heads.Head{Ref: ref, SHA: b.Commit.SHA})
			}
		}
		// A full page is followed by another where it still holds, too: its tag says nothing of that.
		if page++; len(list) < perPage {
			page = 0
		}
	}
	return nil
}

// ask asks for a path, or takes the last look's answer where GitHub says that it still holds.
func ask[T any](ctx context.Context, l looking, path string) (value T, err error) {
	req, err := l.api.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return value, err
	}
	before, asked := l.last.answers[path]
	if asked {
		req.Header.Set("If-None-Match", before.tag)
	}
	resp, err := l.api.Do(ctx, req, &value)
	if asked && errors.Is(err, errNotModified) {
		l.now.answers[path] = before
		return before.value.(T), nil
	}
	if err != nil {
		return value, err
	}
	l.now.Changed = true
	l.now.answers[path] = answered{resp.Header.Get("ETag"), value}
	return value, nil
}

// Commit is what a delivery would say of a commit.
type Commit struct {
	Author  string
	Message string // first line
	Marker  string // as delivery.Push has it
}

// Commit asks who has made a commit, and what its message says.
func (c Branches) Commit(ctx context.Context, repo, sha string) (Commit, error) {
	owner, name, err := checkTarget(repo, sha)
	if err != nil {
		return Commit{}, err
	}
	ctx = forErrand(ctx, repo, pipeline.PurposeClone)
	var said struct {
		Author *struct {
			Login string `json:"login"`
		} `json:"author"` // null where GitHub knows no account of the address
		Commit struct {
			Author struct {
				Name string `json:"name"`
			} `json:"author"`
			Message string `json:"message"`
		} `json:"commit"`
	}
	// One of the commit's files is listed at most: they are not needed.
	if _, err := c.get(ctx, "repos/"+owner+"/"+name+"/commits/"+sha+"?per_page=1", &said); err != nil {
		return Commit{}, fmt.Errorf("ask for commit %s of %s: %w", sha, repo, plain(err))
	}
	author := said.Commit.Author.Name
	if said.Author != nil && said.Author.Login != "" {
		author = said.Author.Login
	}
	return Commit{
		Author: names.Clean(author, names.MaxAuthor), Message: names.Headline(said.Commit.Message),
		Marker: wanted.Marker(said.Commit.Message),
	}, nil
}

// IsLimited reports whether GitHub wants to be left alone.
func IsLimited(err error) bool {
	refusal, ok := errors.AsType[*APIError](err)
	return ok && refusal.RateLimit
}

// IsRefused reports whether GitHub has refused with one of these codes, and not for a limit.
func IsRefused(err error, codes ...int) bool {
	refusal, ok := errors.AsType[*APIError](err)
	if !ok || refusal.RateLimit {
		return false
	}
	for _, code := range codes {
		if refusal.Code == code {
			return true
		}
	}
	return false
}
