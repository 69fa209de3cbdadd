// Package forks decides what becomes of a stranger's code: of pull requests whose head is in a fork,
// and of words that ask for it to be built. Its functions are pure.
package forks

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Policy is what the operator wants of pull requests of forks. An empty one is Approve.
type Policy string

// The policies.
const (
	Approve      Policy = "approve"      // each commit waits until somebody who may write to the base approves it
	Contributors Policy = "contributors" // so does that of an author of whom nothing was merged yet
	All          Policy = "all"          // none waits
	None         Policy = "none"         // none is built
)

// Policies are all of them.
var Policies = []Policy{Approve, Contributors, All, None}

// Parse reads a policy by its name.
func Parse(name string) (Policy, error) {
	if p := Policy(name); slices.Contains(Policies, p) {
		return p, nil
	}
	return "", errors.New("there is no such policy")
}

// Answer is what becomes of a commit.
type Answer string

// The answers. An empty one is Ask.
const (
	Go     Answer = "go"
	Ask    Answer = "ask" // it waits for an approval
	Refuse Answer = "refuse"
)

// Change is what changed a fork's pull request, as GitHub says.
type Change struct {
	Association    string // of its author, to the base
	Author, Sender int64  // ids of accounts; Sender made the change
}

// associations are those of people of whom something was merged, and of those whom the base trusts
// with more (GitHub's GraphQL documentation, CommentAuthorAssociation). A first-time contributor's
// pull request is the first: nothing of it was merged yet.
var associations = []string{"OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR"}

// Decide says what becomes of a commit of a fork. Who pushed it counts as well as whose the pull
// request is: a fork's owner may let others push, and GitHub says of its author alone what they are to
// the base.
func (p Policy) Decide(c Change) Answer {
	switch p {
	case All:
		return Go
	case None:
		return Refuse
	case Contributors:
		if slices.Contains(associations, c.Association) && c.Author > 0 && c.Author == c.Sender {
			return Go
		}
	}
	return Ask
}

// command is the line by which a comment approves a commit.
const command = "/vivarium run"

// IsRun reports whether a comment asks for a pull request to be built: its first line does, with
// nothing before or after it. A command that is quoted, or stands in a sentence, is none.
func IsRun(comment string) bool {
	line, _, _ := strings.Cut(comment, "\n")
	return strings.TrimSuffix(line, "\r") == command
}

// Approval is what is known, at this moment, when a comment asks for a commit to be built.
type Approval struct {
	MayWrite bool      // who comments may write to the base
	Waits    string    // the commit that waits
	Since    time.Time // from when on that one waits
	Asked    time.Time // when the comment was written, to the second; zero: it is not known
	Head     string    // the pull request's head
	Open     bool      // the pull request is
}

// Refusal is why the commit that waits is not approved, for people; empty when it is.
func (a Approval) Refusal() string {
	switch {
	case !a.MayWrite:
		return "who comments may not write to the repository, and so not approve a commit"
	case !a.Open:
		return "the pull request is closed"
	case !a.Asked.After(a.Since):
		return "the comment is not newer than the commit that waits, which its author cannot have seen: comment again"
	case a.Waits == "" || a.Waits != a.Head:
		return "another commit was pushed than the one that waits: comment again once that one waits"
	}
	return ""
}
