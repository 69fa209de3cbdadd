package outbox

import (
	"math/rand/v2"
	"time"
)

// Pace is how long the sender waits. Tests shorten it.
type Pace struct {
	// Trouble is the host's own (5xx, a time-out). No other status waits for it.
	FirstTrouble, LongestTrouble time.Duration
	// Refusal is 403 or 404, which somebody has to mend.
	FirstRefusal, LongestRefusal time.Duration
	// FirstProbe is the first pause after a token was refused. The pause doubles up to SteadyProbe,
	// so that a token that works again within the first minutes is found soon. After ten minutes
	// the pause grows with the time for which the token has been dead. That makes 44 probes in the
	// first hour and ten in the second: GitHub allows 60 requests an hour to the anonymous.
	FirstProbe, SteadyProbe, LongestProbe time.Duration
	// Late is how long after its end a post whose outcome is unknown may still take effect. GitHub
	// drops a request after 10 seconds, the clients here after 15.
	Late time.Duration
	// Yield is how long the status of a build's start lets those of ends go first, before it looks
	// again.
	Yield time.Duration
	// Look is how often to check whether the credential was changed.
	Look time.Duration
}

var UsualPace = Pace{
	FirstTrouble: 500 * time.Millisecond, LongestTrouble: 2 * time.Minute,
	FirstRefusal: time.Minute, LongestRefusal: time.Hour,
	FirstProbe: 5 * time.Second, SteadyProbe: 40 * time.Second, LongestProbe: 10 * time.Minute,
	Late:  30 * time.Second,
	Yield: 2 * time.Second,
	Look:  time.Second,
}

// steadyTrouble bounds the pauses of the first half hour: once a host that was away is well again,
// each status is there within a minute.
const steadyTrouble = 35 * time.Second

// afterTrouble is the pause of a status that the host has not accepted for this long. Each pause is
// half as long again as the one before, up to a steady one. After half an hour they grow again.
func (p Pace) afterTrouble(failing time.Duration) time.Duration {
	pause := clamp(failing/2, p.FirstTrouble, min(steadyTrouble, p.LongestTrouble))
	return spread(min(max(pause, failing/50), p.LongestTrouble))
}

// afterRefusal is the pause of a status that has been refused for this long. Each pause is twice as
// long as the one before.
func (p Pace) afterRefusal(failing time.Duration) time.Duration {
	return spread(clamp(failing, p.FirstRefusal, p.LongestRefusal))
}

// probe is the pause of a credential that has been dead for this long, after n probes.
func (p Pace) probe(n int, dead time.Duration) time.Duration {
	pause := p.SteadyProbe
	if n < 8 {
		pause = min(p.FirstProbe<<n, p.SteadyProbe)
	}
	return min(max(pause, dead/15), p.LongestProbe)
}

func clamp(d, least, most time.Duration) time.Duration { return min(max(d, least), most) }

// spread lengthens a pause by up to a half, so that many senders do not come back at once.
func spread(d time.Duration) time.Duration { return d + Jitter(d/2) }

// Jitter is a random duration up to most.
func Jitter(most time.Duration) time.Duration { return rand.N(most) + 1 }
