package github

import (
	"context"
	"fmt"

	gh "github.com/google/go-github/v60/github"

	"vivarium/pipeline"
	"vivarium/server/github/names"
)

// mostCompared is how many files GitHub names at most of a comparison (docs.github.com, "Compare two
// commits").
const mostCompared = 300

// Compare asks which files of a commit differ from one that it follows. It gives nil where GitHub does
// not name all, or the commit does not follow the other.
func (c *Client) Compare(ctx context.Context, repo, before, sha string) ([]string, error) {
	owner, name, err := checkTarget(repo, sha)
	if err != nil || !names.ValidSHA(before) {
		return nil, fmt.Errorf("compare %.80q with %.80q of %.80q: these are no commits of a repository", before, sha, repo)
	}
	ctx = forErrand(ctx, repo, pipeline.PurposeClone)
	said, _, err := c.api.Repositories.CompareCommits(ctx, owner, name, before, sha, &gh.ListOptions{PerPage: 1})
	if err != nil {
		return nil, fmt.Errorf("compare %.7s with %.7s of %s: %w", before, sha, repo, plain(err))
	}
	if said.GetStatus() != "ahead" || len(said.Files) >= mostCompared {
		return nil, nil
	}
	files := make([]string, 0, len(said.Files))
	for _, f := range said.Files {
		files = append(files, f.GetFilename())
		if from := f.GetPreviousFilename(); from != "" {
			files = append(files, from)
		}
	}
	return files, nil
}
