package patience

import "time"

// The death of a server is not its builds' doing, but for a build that kills each server that works
// on it: that must not go on for ever. What tells the two apart:
//
//   - A stop of the server, trouble outside, and trouble of the database count for nothing.
//   - A death counts for none of several builds that died in it together. A build that twice died so is
//     tried alone from then on: nothing else runs on its server meanwhile.
//   - A build has a loss where it was the only one when its server died, or where its attempt broke by
//     itself. From the second loss on it waits, longer each time and longer than it ran, while others go
//     on: a server that is killed from outside then dies without it, too. (Of builds of 1 to 10 s on
//     servers that are killed every 6 s, none of 4000 was given up; with pauses that double in place of
//     quadruple, 60 were.)
//   - It is given up after MaxLosses of them, if they are more than twice the deaths since its first that
//     it had no part in: each of an idle server, and each other build that died alone or in company, once.

// MaxLosses is how many losses a build has at least before it is given up.
const MaxLosses = 5

// TryAlone is how often a build may die in company before it is tried alone. The first may be any
// server's own.
const TryAlone = 2

// MinHold is how long a build waits after its second loss, at least. Tests of the store make it
// shorter before they serve.
var MinHold = 5 * time.Second

// maxHold is how long a build waits after any loss, at most.
const maxHold = 10 * time.Minute

// IsGuilty decides whether a build is given up: it has so many losses, and so often something else
// died without it.
func IsGuilty(losses, others int) bool { return losses >= MaxLosses && losses > 2*others }

// Hold is how long a build waits after its n-th loss, when its attempt had run so long and died
// with its server.
func Hold(n int, ran time.Duration) time.Duration {
	if n < 2 {
		return 0
	}
	return doubled(max(2*ran, MinHold), 2*(n-2), maxHold)
}

// MayBegin decides whether a build may begin on a server that runs others. A suspect is one that is
// tried alone.
func MayBegin(suspect bool, others int, suspectRuns bool) bool {
	return !suspectRuns && (!suspect || others == 0)
}
