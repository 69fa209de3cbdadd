package doctor

import (
	"slices"
	"testing"

	"vivarium/sandbox/posture"
)

// TestDoctorAdvisesWithoutFailing: builds go on when the engine could isolate better.
func TestDoctorAdvisesWithoutFailing(t *testing.T) {
	var found []Finding
	c := New(func(f Finding) { found = append(found, f) })
	Posture(c, posture.Report{Kernel: posture.KernelLinux, Notes: []string{"a note"}, Advice: []string{"do this"}})
	want := []Finding{{Fine, "isolation", "a note"}, {Advice, "isolation", "do this"}}
	if len(found) != 3 || found[0].Level != Fine || !slices.Equal(found[1:], want) || c.failed {
		t.Errorf("got %+v, failed %v; want that it is as promised, and %+v", found, c.failed, want)
	}
	found = nil
	Posture(c, posture.Report{Problems: []string{"a limit is dropped"}, Advice: []string{"do this"}})
	if !slices.Equal(found, []Finding{{Essential, "posture", "a limit is dropped"}}) || !c.failed {
		t.Errorf("got %+v, failed %v; want the problem alone", found, c.failed)
	}
}
