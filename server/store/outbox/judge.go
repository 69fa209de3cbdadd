// Package outbox decides when a commit status may be sent, and what the host's answer means for it: pure decisions, but for the
// gate's memory. The store keeps the statuses and sends them.
package outbox

import (
	"errors"
	"net/http"
	"time"

	"vivarium/pipeline"
)

const (
	// PostTimeout is how long one post may take.
	PostTimeout = 20 * time.Second
	// GiveUpAfter is how long a status is tried. By then nobody waits for it. What waits for a token is not tried.
	GiveUpAfter = 24 * time.Hour
)

// Result is what became of one attempt to send a status.
type Result struct {
	Err    error
	Code   int           // of a refusal; 0 for all else
	Held   bool          // it was not tried
	Plain  bool          // it is to be sent at once in plain words
	Gone   bool          // given up
	Unsure bool          // it may have been accepted all the same, or may yet be
	Retry  time.Duration // 0: none
}

// Status is what the judgement of an attempt needs to know of what was sent.
type Status struct {
	Failing time.Duration // since when the host has not taken it, for another reason than the credential; 0: this is the first time
	Plain   bool          // it was in plain words already
	Ends    bool          // it is the end of a build
}

// Judge decides what an error means for a status. The pause of a refused credential is the gate's to say.
func Judge(s Status, err error, now time.Time, p Pace) Result {
	if err == nil {
		return Result{}
	}
	refused, isRefused := errors.AsType[*pipeline.RefusedError](err)
	switch {
	case isRefused && refused.Code == http.StatusUnauthorized:
		return Result{Err: err, Code: refused.Code}
	case isRefused && refused.Code == http.StatusUnprocessableEntity && !s.Plain:
		return Result{Err: err, Code: refused.Code, Plain: true}
	case isRefused && !mayHeal(refused.Code):
		return Result{Err: err, Code: refused.Code, Gone: true}
	case s.Failing > GiveUpAfter && isRefused:
		return Result{Err: err, Code: refused.Code, Gone: true}
	case s.Failing > GiveUpAfter:
		return Result{Err: err, Gone: true}
	case isRefused:
		return Result{Err: err, Code: refused.Code, Retry: p.afterRefusal(s.Failing)}
	}
	later := Result{Err: err, Unsure: true, Retry: p.afterTrouble(s.Failing)}
	if re, ok := errors.AsType[*pipeline.RetryError](err); ok {
		later.Unsure = re.Unsure
		if wait := re.At.Sub(now); wait > 0 {
			later.Retry = wait + Jitter(p.FirstTrouble)
			if !s.Ends {
				later.Retry += p.Yield
			}
		}
	}
	return later
}

// mayHeal reports whether a status that was refused with this code may be taken as it is, once somebody has mended something.
func mayHeal(code int) bool {
	return code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusNotFound
}
