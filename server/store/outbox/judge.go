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
	// GiveUpAfter is how long a status is tried; by then nobody waits for it. A status that waits
	// for a working token is not being tried.
	GiveUpAfter = 24 * time.Hour
)

// Result is the outcome of one attempt to send a status.
type Result struct {
	Err    error
	Code   int           // of a refusal; otherwise 0
	Held   bool          // it was not sent
	Plain  bool          // it is to be sent again at once in plain words
	Gone   bool          // given up
	Unsure bool          // it may have been accepted all the same, or may yet be
	Retry  time.Duration // the pause until the next attempt; 0: none
}

// Tried is what Judge needs to know about the status that was tried.
type Tried struct {
	// how long the host has not accepted it, for another reason than the credential; 0: this is the
	// first time
	Failing time.Duration
	Plain   bool // it was in plain words already
	Ends    bool // it is the end of a build
}

// Judge decides what an error means for a status. The gate, not Judge, sets the pause for a refused
// credential.
func Judge(s Tried, err error, now time.Time, p Pace) Result {
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

// mayHeal reports whether a status that was refused with this code may be accepted unchanged once
// somebody has mended something. A refused credential is the gate's matter.
func mayHeal(code int) bool {
	return code == http.StatusForbidden || code == http.StatusNotFound
}
