package patience

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestOnlyABuildThatDiesWhereOthersLiveIsGuilty(t *testing.T) {
	for name, c := range map[string]struct {
		losses, others int
		want           bool
	}{
		"none":                             {0, 0, false},
		"a few, nothing else died":         {MaxLosses - 1, 0, false},
		"five, nothing else died":          {MaxLosses, 0, true},
		"five, and two others died once":   {MaxLosses, 2, true},
		"five, and three others died":      {MaxLosses, 3, false},
		"seven, and three others died":     {7, 3, true},
		"ten where servers die by the day": {10, 50, false},
	} {
		if got := IsGuilty(c.losses, c.others); got != c.want {
			t.Errorf("%s: got %t, want %t", name, got, c.want)
		}
	}
}

func TestEachFurtherLossIsFollowedByALongerLifeWithoutTheBuild(t *testing.T) {
	const ran = 10 * time.Second
	for n, want := range map[int]time.Duration{1: 0, 2: 2 * ran, 3: 8 * ran, 4: 32 * ran, 5: maxHold} {
		if got := Hold(n, ran); got != want {
			t.Errorf("after loss %d: %s, want %s", n, got, want)
		}
	}
	if got := Hold(2, 0); got != MinHold {
		t.Errorf("of one that dies at once: %s, want %s", got, MinHold)
	}
}

func TestASuspectIsTriedAlone(t *testing.T) {
	for _, c := range []struct {
		suspect     bool
		others      int
		suspectRuns bool
		want        bool
	}{
		{false, 0, false, true}, {false, 3, false, true}, {true, 0, false, true},
		{true, 1, false, false}, {false, 1, true, false}, {true, 1, true, false},
	} {
		if got := MayBegin(c.suspect, c.others, c.suspectRuns); got != c.want {
			t.Errorf("%+v: got %t", c, got)
		}
	}
}

// world plays the rules of losses.go through in time that is made up: one server, one worker,
// killed at random moments, which are far shorter than the builds take.
type world struct {
	now    time.Duration
	builds []*played
	idle   int
}

type played struct {
	takes     time.Duration
	kills     bool // the server, whenever it runs
	losses    int
	deaths    map[int]bool // of other builds, since its first loss
	idleSince int
	notBefore time.Duration
	done      bool
	givenUp   bool
}

func (w *world) othersDied(p *played) int { return len(p.deaths) + w.idle - p.idleSince }

func (w *world) open() bool {
	return slices.ContainsFunc(w.builds, func(p *played) bool { return !p.done && !p.givenUp })
}

// live is one life of the server, which ends after so long at the latest.
func (w *world) live(left time.Duration) {
	for w.open() {
		i := slices.IndexFunc(w.builds, func(p *played) bool { return !p.done && !p.givenUp && p.notBefore <= w.now })
		if i < 0 { // all wait: it idles until the first may go on, or dies so
			next := time.Duration(1<<63 - 1)
			for _, p := range w.builds {
				if !p.done && !p.givenUp {
					next = min(next, p.notBefore)
				}
			}
			if next-w.now >= left {
				w.now += left
				w.idle++
				return
			}
			left -= next - w.now
			w.now = next
			continue
		}
		p := w.builds[i]
		ran := min(p.takes, left)
		w.now += ran
		left -= ran
		if !p.kills && left > 0 {
			p.done = true
			continue
		}
		w.die(i, ran)
		return
	}
}

func (w *world) die(i int, ran time.Duration) {
	p := w.builds[i]
	for j, other := range w.builds {
		if j != i && other.losses > 0 {
			other.deaths[i] = true
		}
	}
	if p.losses++; p.losses == 1 {
		p.deaths, p.idleSince = map[int]bool{}, w.idle
	}
	p.givenUp = IsGuilty(p.losses, w.othersDied(p))
	p.notBefore = w.now + Hold(p.losses, ran)
}

// TestNoInnocentBuildIsGivenUpHoweverOftenServersAreKilled: kills from outside come every few
// seconds, and builds take as long.
func TestNoInnocentBuildIsGivenUpHoweverOftenServersAreKilled(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	given, deaths := 0, 0
	const worlds, builds = 400, 10
	for range worlds {
		w := &world{}
		for range builds {
			w.builds = append(w.builds, &played{takes: time.Duration(1+r.IntN(10)) * time.Second})
		}
		for w.open() {
			w.live(time.Duration(float64(6*time.Second)*r.ExpFloat64()) + time.Millisecond)
			deaths++
		}
		for _, p := range w.builds {
			if p.givenUp {
				given++
			}
		}
	}
	t.Logf("%d of %d innocent builds were given up in %d deaths", given, worlds*builds, deaths)
	if given > worlds*builds/1000 {
		t.Errorf("more than one in a thousand")
	}
}

// TestBuildsThatKillTheirServerAreGivenUp, also where several take turns at it, and nothing else
// is.
func TestBuildsThatKillTheirServerAreGivenUp(t *testing.T) {
	for killers := 1; killers <= 4; killers++ {
		w := &world{}
		for i := range 10 {
			w.builds = append(w.builds, &played{takes: 3 * time.Second, kills: i < killers})
		}
		lives := 0
		for ; w.open() && lives < 1000; lives++ {
			w.live(time.Hour)
		}
		for i, p := range w.builds {
			if p.givenUp != p.kills {
				t.Errorf("%d killers: build %d: given up %t, kills %t", killers, i, p.givenUp, p.kills)
			}
		}
		t.Logf("%d killers: %d deaths, %s", killers, lives, w.now)
	}
}
