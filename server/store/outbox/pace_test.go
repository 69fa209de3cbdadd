package outbox

import (
	"testing"
	"time"
)

// TestAnOutageOfTenMinutesIsMadeUpForWithinAMinute: however the pauses fell, and without asking all the
// time meanwhile.
func TestAnOutageOfTenMinutesIsMadeUpForWithinAMinute(t *testing.T) {
	for range 1000 {
		at, tries := time.Duration(0), 0 // since the host went away
		for at < 10*time.Minute {
			at += UsualPace.afterTrouble(at)
			tries++
		}
		if late := at - 10*time.Minute; late > time.Minute || tries > 30 {
			t.Fatalf("the next try is %s after the outage, and was preceded by %d", late, tries)
		}
	}
	if pause := UsualPace.afterTrouble(6 * time.Hour); pause < UsualPace.LongestTrouble {
		t.Errorf("control: after hours it is tried every %s", pause)
	}
}
