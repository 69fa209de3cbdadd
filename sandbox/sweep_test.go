package sandbox

import (
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
)

func TestAbandonedIsWhatDoesNotRunAndIsOverdue(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		state    container.ContainerState
		deadline string
		want     bool
	}{
		{container.StateCreated, now.Add(-2 * sweepGrace).Format(time.RFC3339), true},
		{container.StateExited, now.Add(-2 * sweepGrace).Format(time.RFC3339), true},
		{container.StateDead, now.Add(-2 * sweepGrace).Format(time.RFC3339), true},
		{container.StateCreated, now.Add(-sweepGrace / 2).Format(time.RFC3339), false},
		{container.StateCreated, now.Add(time.Hour).Format(time.RFC3339), false},
		{container.StateRunning, now.Add(-2 * sweepGrace).Format(time.RFC3339), false},
		{container.StatePaused, now.Add(-2 * sweepGrace).Format(time.RFC3339), false},
		{container.StateRemoving, now.Add(-2 * sweepGrace).Format(time.RFC3339), false},
		{container.StateCreated, "soon", false},
		{container.StateCreated, "", false},
	} {
		got := abandoned(container.Summary{State: c.state, Labels: map[string]string{LabelDeadline: c.deadline}}, now)
		if got != c.want {
			t.Errorf("%s, deadline %q: got %v, want %v", c.state, c.deadline, got, c.want)
		}
	}
}
