package pipeline

import "strings"

// Trigger is what a build comes from.
type Trigger string

const (
	TriggerPush  Trigger = "push"
	TriggerPoll  Trigger = "poll" // a push that no delivery told of: the branch was found to have moved
	TriggerPull  Trigger = "pull_request"
	TriggerRerun Trigger = "rerun" // of an earlier build, by a person or a delivery that came again
)

// Ref is what of a repository is built, by git's full name, such as refs/heads/main.
type Ref string

// RefKind is what a ref names.
type RefKind string

const (
	RefBranch      RefKind = "branch"
	RefTag         RefKind = "tag"
	RefPullRequest RefKind = "pull request"
	RefOther       RefKind = "ref"
)

// kinds are the kinds of refs by how their full names begin. A pull request's ref is GitHub's.
var kinds = map[string]RefKind{
	"refs/heads/": RefBranch,
	"refs/tags/":  RefTag,
	"refs/pull/":  RefPullRequest,
}

// BranchRef is the ref of a branch, by the branch's short name.
func BranchRef(name string) Ref { return Ref("refs/heads/" + name) }

// Kind is what the ref names.
func (r Ref) Kind() RefKind {
	kind, _ := r.cut()
	return kind
}

// Short is the name that people use: a branch's or tag's own, #12, or of any other ref the full one.
func (r Ref) Short() string {
	kind, name := r.cut()
	if kind == RefPullRequest {
		number, _, _ := strings.Cut(name, "/")
		return "#" + number
	}
	return name
}

func (r Ref) cut() (RefKind, string) {
	for prefix, kind := range kinds {
		if name, ok := strings.CutPrefix(string(r), prefix); ok {
			return kind, name
		}
	}
	return RefOther, string(r)
}

// DefaultRef is the ref of the default branch; empty when that is not known.
func (r Repository) DefaultRef() Ref {
	if r.DefaultBranch == "" {
		return ""
	}
	return BranchRef(r.DefaultBranch)
}

// OnDefaultBranch reports whether the build is of the repository's default branch.
func (b Build) OnDefaultBranch() bool { return b.Ref != "" && b.Ref == b.Repo.DefaultRef() }
