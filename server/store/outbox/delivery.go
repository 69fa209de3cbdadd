package outbox

import (
	"fmt"
	"net/http"
	"time"
)

// Delivery says why the newest status of a build is not with the host.
type Delivery struct {
	State    string // GitHub's word for what is to be told
	Reason   string // the host's own words, or why it was not reached
	Code     int    // of the host's refusal; 0: it was none
	Attempts int
	NextTry  time.Time // not before; zero: now, or never where it was given up
	GivenUp  bool
}

// Undelivered gives why the newest of a build's statuses, oldest first, is not with the host; nil
// where it is, where a newer build of the commit has taken its place, or where nothing has kept it
// back so far.
func Undelivered(statuses []Status) *Delivery {
	if len(statuses) == 0 {
		return nil
	}
	last := statuses[len(statuses)-1]
	if last.Superseded || !last.SentAt.IsZero() {
		return nil
	}
	d := &Delivery{
		State:    last.State,
		Reason:   last.LastError,
		Code:     last.Code,
		Attempts: last.Attempts,
		NextTry:  last.NextTry,
		GivenUp:  last.Undelivered,
	}
	// What keeps back an earlier status of the build keeps back this one, too, before it was tried
	// itself.
	for i := len(statuses) - 2; i >= 0 && d.Reason == "" && statuses[i].SentAt.IsZero(); i-- {
		d.Reason, d.Code = statuses[i].LastError, statuses[i].Code
	}
	if d.Reason == "" {
		return nil
	}
	return d
}

// Delivery says why the status is not with the host, as Undelivered does of a build's.
func (s Status) Delivery() *Delivery { return Undelivered([]Status{s}) }

// Text is a sentence for people, as of now.
func (d Delivery) Text(now time.Time) string {
	if d.GivenUp {
		return fmt.Sprintf("commit status given up: %s; %s", d.Reason, tried(d.Attempts))
	}
	text := fmt.Sprintf("commit status not delivered yet: %s; %s, next try %s", d.Reason,
		tried(d.Attempts), inAbout(d.NextTry.Sub(now)))
	switch d.Code {
	case http.StatusUnauthorized:
		text += ", and at once when GITHUB_TOKEN is renewed"
	case http.StatusForbidden, http.StatusNotFound:
		text += ", for a day; the token may lack a permission"
	}
	return text
}

func tried(n int) string {
	switch n {
	case 0:
		return "not tried so far"
	case 1:
		return "tried once"
	}
	return fmt.Sprintf("tried %d times", n)
}

// inAbout says how soon something is, in one unit.
func inAbout(d time.Duration) string {
	switch {
	case d < time.Second:
		return "now"
	case d < 100*time.Second:
		return fmt.Sprintf("in %d s", (d+time.Second-1)/time.Second)
	case d < 100*time.Minute:
		return fmt.Sprintf("in %d min", d.Round(time.Minute)/time.Minute)
	}
	return fmt.Sprintf("in %d h", d.Round(time.Hour)/time.Hour)
}
