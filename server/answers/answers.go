// Package answers says in a sentence what became of a delivery. Its readers look at a webhook's Recent
// Deliveries on GitHub, and have nothing else before them.
package answers

import (
	"fmt"
	"net/http"

	"vivarium/pipeline"
	"vivarium/server/store/queue"
)

// Pushed is a push, or a pull request's head, that was taken.
type Pushed struct {
	queue.Accepted
	Build pipeline.Build // that of its BuildID
	URL   string         // of that build's page
}

// Sentence says what became of it, and gives the answer's status: 202 where the delivery has a
// build, 200 where it asks for none.
func (p Pushed) Sentence() (status int, message string) {
	stands := standsAt(p.Build) + ": " + p.URL
	switch {
	case p.Duplicate && p.Again == 0:
		return http.StatusAccepted, "this delivery is known already, and its build " + stands
	case p.Shared:
		return http.StatusOK, "the commit was pushed and is a pull request's head, and its build " + stands
	case p.Overtaken:
		return http.StatusOK, "a later state of the pull request came before this delivery, and its build " + stands
	case p.Skipped && p.Unwanted != "":
		return http.StatusOK, "skipped: " + p.Unwanted + "; its commit's build " + stands
	case p.Skipped:
		return http.StatusOK, "the branch was created without commits of its own, and its commit's build " + stands
	case p.Unwanted != "":
		return http.StatusAccepted, "skipped: " + p.Unwanted + p.anyway()
	case p.OverQuota != "":
		return http.StatusAccepted, p.OverQuota
	case p.Again != 0:
		return http.StatusAccepted, fmt.Sprintf("queued: this delivery was known already, and build %d of it had come "+
			"to nothing: %s", p.Again, p.URL)
	case p.Superseded:
		return http.StatusAccepted, p.Build.Summary + p.anyway()
	case p.Unapproved:
		return http.StatusAccepted, "the code of a fork: it waits until somebody who may write to the repository " +
			"approves the commit, by the comment /vivarium run or at " + p.URL
	}
	return http.StatusAccepted, "queued: " + p.URL
}

// anyway says how the build would be run all the same.
func (p Pushed) anyway() string {
	return fmt.Sprintf("; to build it all the same, run on the server: vivarium builds rerun %d", p.BuildID)
}

// standsAt is where a build stands in words, after "the build".
func standsAt(b pipeline.Build) string {
	switch {
	case b.State == pipeline.Unapproved:
		return "waits for an approval"
	case !b.State.Ended():
		return "is " + string(b.State)
	case b.Cause == pipeline.CauseSuperseded:
		return "was superseded by a newer push's"
	case b.State == pipeline.Canceled, b.State == pipeline.Skipped:
		return "was " + string(b.State)
	}
	return string(b.State)
}
