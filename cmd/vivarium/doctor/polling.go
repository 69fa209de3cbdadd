package doctor

import (
	"time"

	"vivarium/sandbox/quantity"
)

// What GitHub lets a client ask for (docs.github.com, "Rate limits for the REST API").
const (
	askedByAnyone   = 60  // requests an hour without a token, those that find nothing new among them
	askedEachMinute = 900 // requests a minute, of whatever kind
	asksOfALook     = 2   // where a repository has at most 100 branches
)

// Polling says what it costs to look at so many repositories again and again.
func Polling(c *Checkup, every time.Duration, repositories int, token bool) {
	if every == 0 {
		c.Add(Fine, "polling", "off: GitHub's deliveries alone tell of pushes (VIVARIUM_POLL)")
		return
	}
	looks := count(repositories, "repository", "repositories")
	asks := asksOfALook * float64(repositories)
	hour, minute := asks*float64(time.Hour)/float64(every), asks*float64(time.Minute)/float64(every)
	switch {
	case repositories == 0:
		c.Add(Advice, "polling", "no repository is known by name: `vivarium repos add OWNER/NAME` names one; those of a "+
			"pattern are looked at once they have delivered")
	case !token && hour > askedByAnyone:
		c.Add(Essential, "polling", "%s each %s are %.0f requests an hour, and GitHub answers %d without a token: set "+
			"GITHUB_TOKEN or a longer VIVARIUM_POLL", looks, quantity.Duration(every), hour, askedByAnyone)
	case minute > askedEachMinute/2:
		c.Add(Advice, "polling", "%s each %s are %.0f requests a minute, more than half of the %d that GitHub answers: "+
			"set a longer VIVARIUM_POLL", looks, quantity.Duration(every), minute, askedEachMinute)
	default:
		c.Add(Fine, "polling", "%s each %s: %.0f requests an hour, of which with a token only those that find something "+
			"new count for GitHub", looks, quantity.Duration(every), hour)
	}
}
