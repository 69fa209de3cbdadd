package attack

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"vivarium/images/imagestest"
	"vivarium/pipeline"
	"vivarium/sandbox/quantity"
	"vivarium/server/api"
)

// What an attack may cost the host at most, and how much longer an innocent build beside it may
// take.
const (
	memoryBound = 32 << 20
	diskBound   = 50 << 20
	slowerBound = 1.5
)

// bomb is one attack on what a build may use up.
type bomb struct {
	name, tried string
	files       map[string]string // of the attacking repository
	dose        map[string]string // of one that does the same in a small dose, and passes
	causes      []pipeline.Cause  // the causes, one of which ends it
	summary     []string          // the summary has these words, as regular expressions
	gvisor      []pipeline.Cause  // or one of these under gVisor, which tells less: see docs/gvisor.md
	within      time.Duration     // from the first step to the last; zero is as long as a build may take
	check       func(t *testing.T, s *site, b api.Build) (more string)
}

// TestResources runs one attack after the other on a real server, an innocent build beside each.
func TestResources(t *testing.T) {
	s := newSite(t)
	bombs := append(s.hostBombs(t), ownBombs(t)...)
	if testing.Short() { // make test; make attack tries these alone as well
		bombs = slices.DeleteFunc(bombs, func(b bomb) bool { return slices.Contains(underLoad, b.name) })
	}
	s.pair(t, innocent(t), innocent(t)) // warm up: what the first build takes for good does not count against an attack
	sampling := s.sample()
	usual := s.besideBusy(t)
	// Two ordinary builds at a time take some memory too. Only what an attack takes on top of that
	// counts.
	ordinary := sampling.stop(t, cost{}).memory
	t.Logf("an innocent build beside a busy one takes %s, and the server has up to %s", usual, quantity.Bytes(ordinary))
	var ratios []float64
	for _, b := range bombs {
		attack(t, b.name, b.tried, func(t *testing.T, l *line) {
			l.control = s.passes(t, b)
			before := s.costNow(t)
			before.memory = ordinary
			sampling := s.sample()
			hostile, ratio := s.beside(t, b, &usual)
			grown := sampling.stop(t, before)
			ratios = append(ratios, ratio)
			l.outcome = fmt.Sprintf("%s; %s, a build beside it %.2f×", s.judge(t, b, hostile), grown, ratio)
			if grown.memory >= memoryBound || grown.disk >= diskBound || ratio > slowerBound {
				t.Errorf("it cost too much: %s", l.outcome)
			}
		})
	}
	slices.Sort(ratios)
	t.Logf("a build beside an attack takes %.2f times as long, in the median of %d", ratios[len(ratios)/2], len(ratios))
}

// passes is the control: a small dose of the same attack meets no limit.
func (s *site) passes(t *testing.T, of bomb) string {
	t.Helper()
	b := s.await(t, s.push(t, "dose-"+of.name, of.dose))
	if b.State != pipeline.Passed {
		t.Errorf("control: a small dose ended as %s %s: %s\n%s", b.State, b.Cause, b.Summary, tail(s.stored(t, b.ID)))
	}
	return fmt.Sprintf("a small dose %s in %.1f s", b.State, took(b).Seconds())
}

// pair builds two repositories side by side.
func (s *site) pair(t *testing.T, one, other map[string]string) (a, b api.Build) {
	t.Helper()
	first, second := s.push(t, "one", one), s.push(t, "other", other)
	return s.await(t, first), s.await(t, second)
}

// besideBusy is how long an innocent build takes beside another that computes on every CPU, as
// ordinary test suites do. An attack may use its CPUs too, so only what goes beyond that counts
// against it.
func (s *site) besideBusy(t *testing.T) time.Duration {
	t.Helper()
	var times []time.Duration
	neighbour := s.push(t, "busy", busy())
	for {
		b := s.await(t, s.push(t, "innocent", innocent(t)))
		wantPassed(t, b)
		if n, err := s.Build(t.Context(), neighbour); err != nil {
			t.Fatal(err)
		} else if n.State.Ended() && len(times) > 0 {
			wantPassed(t, n)
			break // this build was alone for a part of the time
		}
		times = append(times, took(b))
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// beside runs an attack and an innocent build side by side and compares the innocent one with the
// usual time. The machine has other things to do, so a slow build is tried twice more, and the
// usual time is measured anew each time.
func (s *site) beside(t *testing.T, b bomb, usual *time.Duration) (hostile api.Build, ratio float64) {
	t.Helper()
	for range 3 {
		id := s.push(t, "attack-"+b.name, b.files)
		neighbour := s.await(t, s.push(t, "innocent", innocent(t)))
		wantPassed(t, neighbour)
		hostile = s.await(t, id)
		ratio = float64(took(neighbour)) / float64(*usual)
		if ratio <= slowerBound {
			break
		}
		t.Logf("the build beside it took %s, usual are %s", took(neighbour), *usual)
		*usual = s.besideBusy(t)
	}
	return hostile, ratio
}

func wantPassed(t *testing.T, b api.Build) {
	t.Helper()
	if b.State != pipeline.Passed || b.Attempt != 1 {
		t.Errorf("an innocent build ended as %s %s in attempt %d: %s", b.State, b.Cause, b.Attempt, b.Summary)
	}
}

// judge checks that the attack's build ended as it should.
func (s *site) judge(t *testing.T, want bomb, b api.Build) string {
	t.Helper()
	text := fmt.Sprintf("%s %s in %.1f s: %s", b.State, b.Cause, took(b).Seconds(), b.Summary)
	differs := imagestest.GVisor() && want.gvisor != nil
	causes := want.causes
	if differs {
		causes = want.gvisor
	}
	if !slices.Contains(causes, b.Cause) {
		t.Errorf("it ended as %s, want %v\n%s", text, causes, tail(s.stored(t, b.ID)))
	}
	for _, words := range want.summary {
		if !regexp.MustCompile(words).MatchString(b.Summary) && !differs {
			t.Errorf("the summary %q says nothing of %q", b.Summary, words)
		}
	}
	if limit := patience(t, want.within); want.within > 0 && took(b) > limit {
		t.Errorf("it took %s, at most %s are allowed", took(b), limit)
	}
	if want.check != nil && !differs {
		text += "; " + want.check(t, s, b)
	}
	return text
}

func tail(text string) string { return text[max(0, len(text)-4000):] }
