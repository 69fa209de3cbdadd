package githubtest

import (
	"fmt"
	"net/http"
	"time"
)

// Fault is what goes wrong with one request. The zero Fault is none.
type Fault struct {
	delay    time.Duration
	accept   bool                      // do what was asked nevertheless
	answer   func(http.ResponseWriter) // instead of the true answer
	noAnswer bool                      // keep the client waiting until it leaves
	drop     bool                      // close the connection
}

// None lets a request through.
func None() Fault { return Fault{} }

// Slow answers truthfully, but late.
func Slow(d time.Duration) Fault { return Fault{delay: d} }

// Refuse answers with an error, as GitHub words it, and does nothing: Refuse(403, "Resource not
// accessible by personal access token"), Refuse(502, "Server Error").
func Refuse(code int, message string) Fault {
	return Fault{answer: func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		refuse(w, code, message)
	}}
}

// SecondaryLimit answers with a secondary rate limit. retryAfter is the header as sent: seconds, a
// date, or empty for none.
func SecondaryLimit(code int, retryAfter string) Fault {
	return Fault{answer: func(w http.ResponseWriter) {
		limitHeaders(w.Header(), 4000, time.Now().Add(30*time.Minute))
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		answer(w, code, map[string]any{
			"message": "You have exceeded a secondary rate limit. Please wait a few " +
				"minutes before you try again.",
			"documentation_url": "https://docs.github.com/rest/using-the-rest-api/" +
				"rate-limits-for-the-rest-api#about-secondary-rate-limits",
			"status": fmt.Sprint(code),
		})
	}}
}

// PrimaryLimit answers with a used-up primary rate limit that resets at reset.
func PrimaryLimit(code int, reset time.Time) Fault {
	return Fault{answer: func(w http.ResponseWriter) {
		limitHeaders(w.Header(), 0, reset)
		answer(w, code, map[string]any{
			"message":           "API rate limit exceeded for user ID 21031067.",
			"documentation_url": "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api",
			"status":            fmt.Sprint(code),
		})
	}}
}

// AcceptAndHang does what was asked and never answers.
func AcceptAndHang() Fault { return Fault{accept: true, noAnswer: true} }

// AcceptAndDrop does what was asked and closes the connection without an answer.
func AcceptAndDrop() Fault { return Fault{accept: true, drop: true} }

// AcceptAndRefuse does what was asked and answers with an error, as a gateway may.
func AcceptAndRefuse(code int) Fault {
	f := Refuse(code, "Server Error")
	f.accept = true
	return f
}

// Drop closes the connection without doing anything.
func Drop() Fault { return Fault{drop: true} }

// Redirect points elsewhere.
func Redirect(code int, location string) Fault {
	return Fault{answer: func(w http.ResponseWriter) {
		w.Header().Set("Location", location)
		refuse(w, code, "Moved Permanently")
	}}
}

func limitHeaders(h http.Header, remaining int, reset time.Time) {
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-RateLimit-Limit", "5000")
	h.Set("X-RateLimit-Remaining", fmt.Sprint(remaining))
	h.Set("X-RateLimit-Reset", fmt.Sprint(reset.Unix()))
}

// serve lets next answer r, except for what goes wrong.
func (f Fault) serve(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	if f.delay > 0 {
		select {
		case <-time.After(f.delay):
		case <-r.Context().Done():
			return
		}
	}
	if f.accept {
		next(discard{}, r)
	}
	switch {
	case f.noAnswer:
		<-r.Context().Done()
	case f.drop:
		panic(http.ErrAbortHandler)
	case f.answer != nil:
		f.answer(w)
	default:
		next(w, r)
	}
}

// discard takes an answer that nobody sees.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
