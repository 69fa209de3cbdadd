package registry

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"vivarium/sandbox/quantity"
)

// Use is how much the repositories of an entry have used of its limits.
type Use struct {
	Running  int
	Spent    time.Duration // by today's builds: those that ended today, and those that run
	LogBytes int64
	Waiting  int
	// WaitingOwn counts those builds of Waiting that belong to the repository which asks for one
	// more.
	WaitingOwn int
}

// Over says, for people, why an entry's quotas accept no further build now; it is empty while they
// do. A full queue still accepts a repository that has no build in it, so that one repository below
// a pattern does not take the place of all.
func (l Limits) Over(u Use) string {
	switch {
	case l.Minutes > 0 && u.Spent >= time.Duration(l.Minutes)*time.Minute:
		return fmt.Sprintf("over quota: %s of %d build minutes used today; builds again at 00:00 UTC", minutes(u.Spent),
			l.Minutes)
	case l.LogBytes > 0 && u.LogBytes >= l.LogBytes:
		return fmt.Sprintf("over quota: %s of %s of log stored; builds again once the operator makes room",
			quantity.Bytes(u.LogBytes), quantity.Bytes(l.LogBytes))
	case l.Queue > 0 && u.Waiting >= l.Queue && u.WaitingOwn > 0:
		return fmt.Sprintf("over quota: %d of %d builds wait; push again when fewer do", u.Waiting, l.Queue)
	}
	return ""
}

// Against says for people how much was used of each limit.
func (l Limits) Against(u Use) string { return l.words(&u) }

// String says for people what is limited.
func (l Limits) String() string { return l.words(nil) }

func (l Limits) words(use *Use) string {
	var u Use
	if use != nil {
		u = *use
	}
	var parts []string
	for _, p := range []struct {
		set              bool
		used, most, what string
	}{
		{l.Running > 0, strconv.Itoa(u.Running), strconv.Itoa(l.Running), "running"},
		{l.Each > 0, "", strconv.Itoa(l.Each), "running of each"},
		{l.Minutes > 0, minutes(u.Spent), strconv.Itoa(l.Minutes), "minutes a day"},
		{l.LogBytes > 0, quantity.Bytes(u.LogBytes), quantity.Bytes(l.LogBytes), "of log"},
		{l.Queue > 0, strconv.Itoa(u.Waiting), strconv.Itoa(l.Queue), "waiting"},
	} {
		switch {
		case p.set && use != nil && p.used != "":
			parts = append(parts, p.used+"/"+p.most+" "+p.what)
		case p.set:
			parts = append(parts, p.most+" "+p.what)
		}
	}
	if len(parts) == 0 {
		return "no limits"
	}
	return strings.Join(parts, ", ")
}

func minutes(d time.Duration) string { return strconv.Itoa(int(d / time.Minute)) }
