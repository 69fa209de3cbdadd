// Package budget decides when one more request that makes something may be sent to the git host, by
// those that were sent in the last hour: pure decisions.
package budget

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Limits are how many requests are sent in a minute and in an hour. The zero Limits are none.
type Limits struct{ Minute, Hour int }

// GitHub stays below what GitHub takes of one account: 80 requests a minute and 500 an hour that
// make content, statuses and check runs among them (docs.github.com, "Rate limits for the REST
// API"). Who goes on beyond them may be banned. What is left is for a clock that differs, and for
// whatever else is done with the same account.
var GitHub = Limits{Minute: 70, Hour: 450}

// Of are the limits of the GitHub whose API this is: GitHub's own, also for enterprises with data
// residence, limits its clients; Enterprise Server does not unless its operator says so.
func Of(api *url.URL) Limits {
	if host := strings.ToLower(api.Hostname()); host == "api.github.com" || strings.HasSuffix(host, ".ghe.com") {
		return GitHub
	}
	return Limits{}
}

// Class is what a request is for.
type Class int

const (
	// Result is the end of a build, for which people wait: all that there is may be spent on it.
	Result Class = iota
	// Extra is what may be left out, such as the beginning of a build: half is kept back from it,
	// so that a busy hour comes down to one request for each build.
	Extra
)

// of are the limits for one class.
func (l Limits) of(c Class) Limits {
	if c == Extra {
		return Limits{Minute: (l.Minute + 1) / 2, Hour: (l.Hour + 1) / 2} // at least one
	}
	return l
}

// Wait says how long the next request has to wait, and for which limit; 0 where it may be sent now.
// sent are the times of those before it, oldest first; what is older than an hour does not count.
func (l Limits) Wait(sent []time.Time, c Class, now time.Time) (wait time.Duration, why error) {
	if l == (Limits{}) {
		return 0, nil
	}
	for _, one := range []struct {
		most int
		per  time.Duration
		name string
	}{{l.of(c).Hour, time.Hour, "hour"}, {l.of(c).Minute, time.Minute, "minute"}} {
		// The oldest of the last so many must have left its time.
		if len(sent) < one.most {
			continue
		}
		if left := sent[len(sent)-one.most].Add(one.per).Sub(now); left > wait {
			wait, why = left, fmt.Errorf("held back: %d requests went to GitHub within the last %s, and it bans those who "+
				"send many more", one.most, one.name)
		}
	}
	return wait, why
}

// Use is how much of the limits is used.
type Use struct{ Minute, Hour int }

// UseOf counts what was sent until now.
func UseOf(sent []time.Time, now time.Time) (u Use) {
	for _, at := range sent {
		if age := now.Sub(at); age < time.Hour {
			u.Hour++
			if age < time.Minute {
				u.Minute++
			}
		}
	}
	return u
}
