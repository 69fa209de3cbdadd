package patience

import (
	"time"

	"vivarium/pipeline"
)

// What an attempt that trouble outside ended costs its repository, and the commit.

// FreeTurn is how long an attempt may run that trouble outside ended and yet not have been its
// repository's turn. A fetch that is refused, or answered by an error, ends within seconds. Who ran
// for longer has held a worker that others wait for, and what it met in the end may be of its own
// making, such as one request of the package index that it abandoned.
const FreeTurn = time.Minute

// IsCharged reports whether an attempt that was ended for a cause counts for its repository's
// minutes: the package index is asked by the repository's own programs, for as long as they like.
// What else ends an attempt is not its doing.
func IsCharged(c pipeline.Cause) bool { return c == pipeline.CauseIndex }

// ToldTries is after how many tries in vain no status follows a build any more that waits and
// begins by turns, as by a host that comes and goes: GitHub takes 1000 statuses for one commit and
// context, and the end must be among them.
const ToldTries = 20
