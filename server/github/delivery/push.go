package delivery

import (
	"encoding/json"
	"fmt"
	"strings"

	"vivarium/pipeline"
	"vivarium/pipeline/wanted"
	"vivarium/server/github/names"
)

// pushEvent is what a build needs of a push event, and nothing else.
type pushEvent struct {
	Ref        pipeline.Ref    `json:"ref"`
	Before     text            `json:"before"`
	Created    flag            `json:"created"`
	Deleted    flag            `json:"deleted"`
	Commits    list            `json:"commits"`
	Head       *headCommit     `json:"head_commit"`
	Pusher     person          `json:"pusher"`
	Repository *pushRepository `json:"repository"`
}

type headCommit struct {
	ID      string `json:"id"`
	Message text   `json:"message"`
}

type pushRepository struct {
	FullName      string `json:"full_name"`
	ID            int64  `json:"id"`
	Private       flag   `json:"private"`
	DefaultBranch text   `json:"default_branch"`
	PushedAt      moment `json:"pushed_at"`
}

// readPush reads a push event: a push to build, or the reason why there is nothing to build.
func readPush(payload []byte) (p *Push, ignored string, err error) {
	var event pushEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, "", fmt.Errorf("%w: it is not a push event: %v", ErrMalformed, err)
	}
	ref := event.Ref
	if !names.ValidRef(string(ref)) || !strings.HasPrefix(string(ref), "refs/") {
		return nil, "", fmt.Errorf("%w: ref %.80q is not the full name of a branch or tag", ErrMalformed, ref)
	}
	repo, err := repository(event.Repository)
	if err != nil {
		return nil, "", err
	}
	if why := nothingToBuild(event); why != "" {
		return nil, why, nil
	}
	// The commit is head_commit, not after: the two differ where a ref points to its commit
	// indirectly.
	if event.Head == nil || !names.ValidSHA(event.Head.ID) {
		return nil, "", fmt.Errorf("%w: head_commit.id is not the full id of a commit", ErrMalformed)
	}
	p = &Push{
		Repo:    repo,
		Ref:     ref,
		SHA:     event.Head.ID,
		At:      event.Repository.PushedAt.Time,
		Author:  names.Clean(string(event.Pusher.Name), names.MaxAuthor),
		Message: names.Headline(string(event.Head.Message)),
		Marker:  wanted.Marker(string(event.Head.Message)),
		Bare:    event.Created.isTrue() && event.Commits == 0 && ref.Kind() == pipeline.RefBranch,
	}
	if before := string(event.Before); names.ValidSHA(before) {
		p.Before = before
	}
	return p, "", nil
}

// nothingToBuild says why a push needs no build; it is empty when the push does need one. An empty
// list of commits is no reason: a forced push back to an older commit brings no commits, nor does a
// branch that is created at a commit which nobody has pushed to a branch before.
func nothingToBuild(event pushEvent) string {
	switch kind := event.Ref.Kind(); {
	case kind != pipeline.RefBranch && kind != pipeline.RefTag:
		return fmt.Sprintf("%s is neither a branch nor a tag", event.Ref)
	case event.Deleted.isTrue():
		return fmt.Sprintf("%s %s was deleted", kind, event.Ref.Short())
	}
	return ""
}

// repository checks what the event says about its repository. A repository counts as private if the
// event does not say: otherwise everybody could see it.
func repository(said *pushRepository) (pipeline.Repository, error) {
	if said == nil {
		return pipeline.Repository{}, fmt.Errorf("%w: it names no repository", ErrMalformed)
	}
	r := *said
	if _, _, err := names.SplitFullName(r.FullName); err != nil {
		return pipeline.Repository{}, fmt.Errorf("%w: repository.full_name: %v", ErrMalformed, err)
	}
	if r.ID < 0 {
		return pipeline.Repository{}, fmt.Errorf("%w: repository.id is negative", ErrMalformed)
	}
	branch := string(r.DefaultBranch)
	if !names.ValidRef(branch) {
		branch = ""
	}
	return pipeline.Repository{
		ID: r.ID, FullName: r.FullName, DefaultBranch: branch, Private: r.Private.said == nil || *r.Private.said,
	}, nil
}

// saysPrivate reports whether a delivery of any event says that its repository is private.
func saysPrivate(payload []byte) bool {
	return as[struct {
		Repository struct {
			Private flag `json:"private"`
		} `json:"repository"`
	}](payload).Repository.Private.isTrue()
}
