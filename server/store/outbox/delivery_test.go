package outbox

import (
	"testing"
	"time"
)

func TestADeliverySaysWhyAndWhenNext(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	dead := Status{
		State:     "success",
		Attempts:  4,
		LastError: badCredentials.Error(),
		Code:      401,
		NextTry:   now.Add(5 * time.Minute),
	}
	for _, c := range []struct {
		statuses []Status
		want     string
	}{
		{nil, ""},
		{[]Status{{State: "pending"}}, ""},
		{[]Status{{LastError: "x"}, {SentAt: now}}, ""},
		{[]Status{{LastError: "x", Superseded: true}}, ""},
		{
			[]Status{dead},
			"commit status not delivered yet: GitHub answered 401: Bad credentials; tried 4 times, " +
				"next try in 5 min, and at once when GITHUB_TOKEN is renewed",
		},
		{
			[]Status{dead, {NextTry: now.Add(20 * time.Second)}},
			"commit status not delivered yet: GitHub answered 401: Bad credentials; not tried so far, " +
				"next try in 20 s, and at once when GITHUB_TOKEN is renewed",
		},
		{
			[]Status{{Attempts: 1, LastError: "GitHub answered 502: Server Error"}},
			"commit status not delivered yet: GitHub answered 502: Server Error; tried once, next try now",
		},
		{
			[]Status{{Attempts: 9, Code: 403, LastError: "GitHub answered 403: No", NextTry: now.Add(2 * time.Hour)}},
			"commit status not delivered yet: GitHub answered 403: No; tried 9 times, next try in 2 h, for a day; " +
				"the token may lack a permission",
		},
		{
			[]Status{{Attempts: 2, Code: 422, LastError: "GitHub answered 422: No", Undelivered: true}},
			"commit status given up: GitHub answered 422: No; tried 2 times",
		},
	} {
		got := ""
		if d := Undelivered(c.statuses); d != nil {
			got = d.Text(now)
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
