package registry

import (
	"testing"
	"time"
)

func TestOverQuota(t *testing.T) {
	all := Limits{Minutes: 120, LogBytes: 5 << 30, Queue: 20}
	for name, c := range map[string]struct {
		limits Limits
		use    Use
		want   string
	}{
		"no quota": {
			Limits{Running: 1, Each: 1},
			Use{Running: 9, Spent: 99 * time.Hour, LogBytes: 1 << 50, Waiting: 9999, WaitingOwn: 9999},
			"",
		},
		"nothing used": {all, Use{}, ""},
		"just below":   {all, Use{Spent: 120*time.Minute - 1, LogBytes: 5<<30 - 1, Waiting: 19, WaitingOwn: 19}, ""},
		"minutes": {
			all,
			Use{Spent: 120 * time.Minute},
			"over quota: 120 of 120 build minutes used today; builds again at 00:00 UTC",
		},
		"more minutes": {
			all,
			Use{Spent: 135*time.Minute + 59*time.Second},
			"over quota: 135 of 120 build minutes used today; builds again at 00:00 UTC",
		},
		"log": {
			all,
			Use{LogBytes: 5 << 30},
			"over quota: 5 GiB of 5 GiB of log stored; builds again once the operator makes room",
		},
		"queue": {
			all,
			Use{Waiting: 20, WaitingOwn: 1},
			"over quota: 20 of 20 builds wait; push again when fewer do",
		},
		"a queue of others": {all, Use{Waiting: 20}, ""},
		"several": {
			all,
			Use{Spent: 120 * time.Minute, LogBytes: 5 << 30, Waiting: 20, WaitingOwn: 20},
			"over quota: 120 of 120 build minutes used today; builds again at 00:00 UTC",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.limits.Over(c.use)
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if len(got) > 140 {
				t.Errorf("%q is longer than a status's description", got)
			}
		})
	}
}

func TestLimitsForPeople(t *testing.T) {
	for _, c := range []struct {
		limits         Limits
		alone, against string
	}{
		{Limits{}, "no limits", "no limits"},
		{Limits{Running: 4, Each: 1}, "4 running, 1 running of each", "2/4 running, 1 running of each"},
		{
			Limits{Minutes: 120, LogBytes: 5 << 30, Queue: 20},
			"120 minutes a day, 5 GiB of log, 20 waiting",
			"37/120 minutes a day, 512 MiB/5 GiB of log, 3/20 waiting",
		},
	} {
		use := Use{Running: 2, Spent: 37*time.Minute + 30*time.Second, LogBytes: 512 << 20, Waiting: 3}
		if got := c.limits.String(); got != c.alone {
			t.Errorf("got %q, want %q", got, c.alone)
		}
		if got := c.limits.Against(use); got != c.against {
			t.Errorf("got %q, want %q", got, c.against)
		}
	}
}
