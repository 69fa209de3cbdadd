package pipeline

import (
	"errors"
	"testing"

	"vivarium/sandbox/egress"
)

func TestFailureOfARepositoryIsBlamedOnlyForWhatItCanHaveCaused(t *testing.T) {
	away, gone := &egress.GitFailure{Message: "h is away", Heals: true}, &egress.GitFailure{Message: "h has it not"}
	stalled := &egress.GitFailure{Message: "h is silent", Heals: true, Stalled: true}
	for name, c := range map[string]struct {
		err     error
		failure *egress.GitFailure
		cause   Cause
		heals   bool
		note    string
	}{
		"away":                      {fail(CauseInstall, "git clone"), away, CauseIndex, true, "r.txt:2: h is away"},
		"not there":                 {fail(CauseInstall, "git clone"), gone, CauseInstall, false, "r.txt:2: h has it not"},
		"time ran out in a silence": {fail(CauseTimeout, "timed out"), stalled, CauseIndex, true, "r.txt:2: h is silent"},
		"time ran out beside it":    {fail(CauseTimeout, "timed out"), away, CauseTimeout, false, "timed out"},
		"memory ran out":            {fail(CauseOutOfMemory, "out"), stalled, CauseOutOfMemory, false, "out"},
		"green in spite of it":      {nil, away, "", false, ""},
	} {
		var f *failure
		errors.As(blameRepository(c.err, c.failure, "r.txt:2"), &f)
		if f == nil {
			f = &failure{}
		}
		if f.cause != c.cause || f.heals != c.heals || f.note != c.note {
			t.Errorf("%s: got %q, heals %v: %s; want %q, %v: %s", name, f.cause, f.heals, f.note, c.cause, c.heals, c.note)
		}
	}
}

func TestTroubleOfTheIndexIsBlamedOnlyForWhatItCanHaveCaused(t *testing.T) {
	trouble, stalled := &egress.Trouble{Message: "index x is away"}, &egress.Trouble{
		Message: "index x is silent",
		Stalled: true,
	}
	for name, c := range map[string]struct {
		err     error
		trouble *egress.Trouble
		getting bool
		cause   Cause
		heals   bool
	}{
		"a failed install":              {fail(CauseInstall, "no such package"), trouble, true, CauseIndex, true},
		"a failed install, all was had": {fail(CauseInstall, "no such package"), nil, true, CauseInstall, false},
		"a compiler that failed": {
			fail(CauseInstall, "error: metadata-generation-failed"),
			trouble,
			false,
			CauseInstall,
			false,
		},
		"no room on this server": {
			fail(CauseInstall, "no such package"),
			&egress.Trouble{Message: "this server", Ours: true},
			true,
			CauseInternal,
			true,
		},
		"time ran out in a silence":     {fail(CauseTimeout, "timed out"), stalled, false, CauseIndex, true},
		"time ran out beside an outage": {fail(CauseTimeout, "timed out"), trouble, true, CauseTimeout, false},
		"memory ran out beside a trouble": {
			fail(CauseOutOfMemory, "out of memory"),
			stalled,
			true,
			CauseOutOfMemory,
			false,
		},
		"a green install in spite of it": {nil, trouble, false, "", false},
	} {
		var f *failure
		errors.As(blameIndex(c.err, c.trouble, c.getting), &f)
		if f == nil {
			f = &failure{}
		}
		if f.cause != c.cause || f.heals != c.heals {
			t.Errorf("%s: got cause %q, heals %v; want %q, %v", name, f.cause, f.heals, c.cause, c.heals)
		}
	}
}
