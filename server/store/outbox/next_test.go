package outbox

import (
	"slices"
	"testing"
	"time"
	"vivarium/server/store/database"
)

func TestNextSendsTheNewestState(t *testing.T) {
	now := time.Unix(1000, 0)
	fresh, old := database.Micros(now), database.Micros(now.Add(-time.Minute))
	pending := func(id, build, queued int64) statusRow {
		return statusRow{ID: id, BuildID: build, State: "pending", QueuedAt: queued}
	}
	final := func(id, build int64) statusRow {
		return statusRow{ID: id, BuildID: build, State: "success", QueuedAt: fresh}
	}
	sent := func(r statusRow) statusRow { r.SentAt = 1; return r }
	failed := func(r statusRow) statusRow { r.FailedAt = 1; return r }
	tried := func(r statusRow) statusRow { r.LastError = "502"; return r }
	for _, c := range []struct {
		name       string
		rows       []statusRow
		send       int64
		superseded []int64
		tight      bool
	}{
		{"nothing", nil, 0, nil, false},
		{"a pending", []statusRow{pending(1, 1, old)}, 1, nil, false},
		{"pending before its end when both are fresh", []statusRow{pending(1, 1, fresh), final(2, 1)}, 1, nil, false},
		{"a pending alone when tight", []statusRow{pending(1, 1, fresh)}, 1, nil, true},
		{"only the end when tight", []statusRow{pending(1, 1, fresh), final(2, 1)}, 2, []int64{1}, true},
		{"only the end when behind", []statusRow{pending(1, 1, old), final(2, 1)}, 2, []int64{1}, false},
		{"only the end when the pending failed", []statusRow{tried(pending(1, 1, fresh)), final(2, 1)}, 2, []int64{1}, false},
		{"the end after its pending", []statusRow{sent(pending(1, 1, old)), final(2, 1)}, 2, nil, false},
		{"no pending after its end", []statusRow{pending(1, 1, fresh), sent(final(2, 1))}, 0, []int64{1}, false},
		{
			"no pending after an undeliverable end",
			[]statusRow{pending(1, 1, fresh), failed(final(2, 1))},
			0,
			[]int64{1},
			false,
		},
		{"an end after an undeliverable pending", []statusRow{failed(pending(1, 1, old)), final(2, 1)}, 2, nil, false},
		{
			"an older build's end is left out",
			[]statusRow{sent(pending(1, 1, old)), sent(pending(2, 2, old)), final(3, 1)},
			0,
			[]int64{3},
			false,
		},
		{
			"a newer build's pending after an older one's end",
			[]statusRow{sent(pending(1, 1, old)), sent(final(2, 1)), pending(3, 2, fresh)},
			3,
			nil,
			false,
		},
		{
			"all of the older build is left out",
			[]statusRow{pending(1, 1, old), final(2, 1), pending(3, 2, fresh)},
			3,
			[]int64{1, 2},
			false,
		},
	} {
		send, superseded := next(c.rows, now, c.tight)
		var id int64
		if send != nil {
			id = send.ID
		}
		if id != c.send || !slices.Equal(superseded, c.superseded) {
			t.Errorf("%s: sends %d and leaves out %v, want %d and %v", c.name, id, superseded, c.send, c.superseded)
		}
	}
}
