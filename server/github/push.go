package github

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	gh "github.com/google/go-github/v60/github"

	"vivarium/pipeline"
)

// Bounds on what a payload's free texts may hold, in characters.
const (
	maxAuthor  = 100
	maxMessage = 250
	maxRef     = 255 // GitHub's own limit on a ref's name, in bytes
)

// pushEvent is go-github's, less one of its fields: it wants every custom property of
// a repository to be a string, but GitHub also sends lists.
type pushEvent struct {
	gh.PushEvent
	Repo *struct {
		gh.PushEventRepository
		CustomProperties json.RawMessage `json:"custom_properties"`
	} `json:"repository"`
}

// readPush reads a push event: a push to build, or the reason why there is nothing to build.
func readPush(payload []byte) (p *Push, ignored string, err error) {
	var event pushEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, "", fmt.Errorf("%w: it is not a push event: %v", ErrMalformed, err)
	}
	ref := event.GetRef()
	if !validRef(ref) || !strings.HasPrefix(ref, "refs/") {
		return nil, "", fmt.Errorf("%w: ref %.80q is not the full name of a branch or tag", ErrMalformed, ref)
	}
	repo, err := repository(event)
	if err != nil {
		return nil, "", err
	}
	if why := nothingToBuild(&event.PushEvent); why != "" {
		return nil, why, nil
	}
	// The commit is head_commit, not after: for what a ref points to indirectly the two differ.
	sha := event.GetHeadCommit().GetID()
	if !ValidSHA(sha) {
		return nil, "", fmt.Errorf("%w: head_commit.id %.80q is not the full id of a commit", ErrMalformed, sha)
	}
	message, _, _ := strings.Cut(strings.TrimLeft(event.GetHeadCommit().GetMessage(), "\r\n"), "\n")
	return &Push{
		Repo:    repo,
		Ref:     ref,
		SHA:     sha,
		Author:  clean(event.GetPusher().GetName(), maxAuthor),
		Message: clean(message, maxMessage),
	}, "", nil
}

// nothingToBuild says why a push needs no build, or nothing. An empty list of commits
// alone is no reason: a forced push back to an older commit brings none.
func nothingToBuild(event *gh.PushEvent) string {
	ref := event.GetRef()
	branch, isBranch := strings.CutPrefix(ref, "refs/heads/")
	switch {
	case strings.HasPrefix(ref, "refs/tags/"):
		return "tags are not built, only branches are"
	case !isBranch:
		return fmt.Sprintf("%s is not a branch", ref)
	case event.GetDeleted():
		return fmt.Sprintf("branch %s was deleted", branch)
	case event.GetCreated() && len(event.Commits) == 0:
		return fmt.Sprintf("branch %s was created without commits", branch)
	}
	return ""
}

// repository checks what the event says of its repository. One that does not say
// whether it is private is taken to be: the other way round would show it to everybody.
func repository(event pushEvent) (pipeline.Repository, error) {
	if event.Repo == nil {
		return pipeline.Repository{}, fmt.Errorf("%w: it names no repository", ErrMalformed)
	}
	name := event.Repo.GetFullName()
	if _, _, err := SplitFullName(name); err != nil {
		return pipeline.Repository{}, fmt.Errorf("%w: repository.full_name: %v", ErrMalformed, err)
	}
	id := event.Repo.GetID()
	if id < 0 {
		return pipeline.Repository{}, fmt.Errorf("%w: repository.id is negative", ErrMalformed)
	}
	branch := event.Repo.GetDefaultBranch()
	if branch != "" && !validRef(branch) {
		return pipeline.Repository{}, fmt.Errorf("%w: repository.default_branch %.80q is not a branch", ErrMalformed, branch)
	}
	return pipeline.Repository{
		ID:            id,
		FullName:      name,
		DefaultBranch: branch,
		Private:       event.Repo.Private == nil || *event.Repo.Private,
	}, nil
}

// clean makes a text of a stranger's fit for one line of a page, a log or a terminal.
func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case isControl(r):
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if runes := []rune(s); len(runes) > limit {
		s = strings.TrimSpace(string(runes[:limit-1])) + "…"
	}
	return s
}

// isControl holds for control characters, line breaks of every kind, and those that
// turn the direction of the text around them.
func isControl(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar ||
		r == '\u2028' || r == '\u2029'
}
