package store

import (
	"math/rand/v2"
	"time"
)

// pace is how long the sender waits. Tests shorten it.
type pace struct {
	// trouble is the host's own (5xx, a time-out): nobody else's status waits for it.
	firstTrouble, longestTrouble time.Duration
	// refusal is 403 or 404, which somebody has to mend.
	firstRefusal, longestRefusal time.Duration
	// firstProbe is the first pause of a token that was refused. It doubles up to steadyProbe, so that one that works again
	// within the first minutes is found soon; after ten of these it grows with the time for which the token has been dead.
	// 44 probes in the first hour, ten in the second: GitHub allows 60 an hour to who is nobody.
	firstProbe, steadyProbe, longestProbe time.Duration
	// late is how long after its end a post whose outcome is unknown may still take effect. GitHub drops a request after
	// 10 seconds, its clients here after 15.
	late time.Duration
	// yield is for how long a beginning lets ends go first, then looks again.
	yield time.Duration
	// look is how often it is looked whether the credential was changed.
	look time.Duration
}

var usualPace = pace{
	firstTrouble: 500 * time.Millisecond, longestTrouble: 2 * time.Minute,
	firstRefusal: time.Minute, longestRefusal: time.Hour,
	firstProbe: 5 * time.Second, steadyProbe: 40 * time.Second, longestProbe: 10 * time.Minute,
	late:  30 * time.Second,
	yield: 2 * time.Second,
	look:  time.Second,
}

// afterTrouble is the pause of a status that the host has not taken for so long: as half as long again each time.
func (p pace) afterTrouble(failing time.Duration) time.Duration {
	return spread(clamp(failing/2, p.firstTrouble, p.longestTrouble))
}

// afterRefusal is the pause of a status that was refused for so long: twice as long each time.
func (p pace) afterRefusal(failing time.Duration) time.Duration {
	return spread(clamp(failing, p.firstRefusal, p.longestRefusal))
}

// probe is the pause of a credential that has been dead for so long, after n probes.
func (p pace) probe(n int, dead time.Duration) time.Duration {
	pause := p.steadyProbe
	if n < 8 {
		pause = min(p.firstProbe<<n, p.steadyProbe)
	}
	return min(max(pause, dead/15), p.longestProbe)
}

func clamp(d, least, most time.Duration) time.Duration { return min(max(d, least), most) }

// spread makes a pause up to half as long again, so that many targets do not come back at once.
func spread(d time.Duration) time.Duration { return d + jitter(d/2) }

func jitter(most time.Duration) time.Duration { return rand.N(most) + 1 }
