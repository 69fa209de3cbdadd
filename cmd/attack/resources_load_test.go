package attack

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// underLoad are the bombs that are tried all at once.
var underLoad = []string{"fork-bomb", "memory-bomb", "disk-filler", "spinners", "deaf-to-signals", "endless-output"}

// TestResourcesUnderLoad lets hostile and innocent repositories queue for the same two workers. All
// innocent builds must end as they should, at the first attempt, and all hostile ones with their
// cause.
func TestResourcesUnderLoad(t *testing.T) {
	s := newSite(t)
	hostile := slices.DeleteFunc(ownBombs(t), func(b bomb) bool { return !slices.Contains(underLoad, b.name) })
	attack(t, "queue", "6 hostile builds among 10 innocent ones, all pushed at once", func(t *testing.T, l *line) {
		l.control = s.passes(t, hostile[0])
		before, sampling := s.costNow(t), s.sample()
		innocents, attacks := make([]string, 0, 10), make([]string, len(hostile))
		for i, b := range hostile {
			attacks[i] = s.push(t, "attack-"+b.name, b.files)
			innocents = append(innocents, s.push(t, "innocent", innocent(t)))
		}
		for len(innocents) < cap(innocents) {
			innocents = append(innocents, s.push(t, "innocent", innocent(t)))
		}
		for _, id := range innocents {
			wantPassed(t, s.await(t, id))
		}
		var ended []string
		for i, b := range hostile {
			build := s.await(t, attacks[i])
			s.judge(t, b, build)
			ended = append(ended, string(build.Cause))
		}
		grown := sampling.stop(t, before)
		l.outcome = fmt.Sprintf("%d innocent builds passed at the first attempt; the others: %s; %s",
			len(innocents), strings.Join(ended, ", "), grown)
		if t.Failed() {
			l.outcome = "not as it should be; " + l.outcome
		}
	})
}
