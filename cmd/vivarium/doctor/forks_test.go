package doctor

import (
	"strings"
	"testing"

	"vivarium/server/forks"
)

func TestStrangersCodeOnTheMachinesOwnKernelIsSaid(t *testing.T) {
	for _, c := range []struct {
		policy  forks.Policy
		runtime string
		asks    bool
		level   Level
		want    string
	}{
		{forks.Approve, "", true, Fine, "the comment /vivarium run"},
		{forks.Approve, "", false, Fine, "with GITHUB_TOKEN a comment"},
		{forks.Contributors, "", true, Advice, "VIVARIUM_RUNTIME"},
		{forks.Contributors, "runsc", true, Fine, "the comment /vivarium run"},
		{forks.All, "", true, Advice, "VIVARIUM_RUNTIME"},
		{forks.All, "runsc", true, Fine, "every commit"},
		{forks.None, "", true, Fine, "not built"},
	} {
		var got Finding
		Forks(New(func(f Finding) { got = f }), c.policy, c.runtime, c.asks)
		if got.Level != c.level || !strings.Contains(got.Text, c.want) {
			t.Errorf("%s with runtime %q: %+v, want %s %q", c.policy, c.runtime, got, c.level, c.want)
		}
	}
}
