package doctor

import (
	"strings"
	"testing"
	"time"
)

func TestDoctorSaysWhatPollingCosts(t *testing.T) {
	for name, c := range map[string]struct {
		every        time.Duration
		repositories int
		token        bool
		level        Level
		want         string
	}{
		"off":              {0, 3, true, Fine, "off"},
		"usual":            {30 * time.Second, 3, true, Fine, "3 repositories each 30 s: 720 requests an hour"},
		"none known":       {30 * time.Second, 0, true, Advice, "vivarium repos add"},
		"without a token":  {30 * time.Second, 3, false, Essential, "set GITHUB_TOKEN"},
		"slow, without it": {time.Hour, 3, false, Fine, "6 requests an hour"},
		"too many":         {10 * time.Second, 100, true, Advice, "1200 requests a minute"},
	} {
		var got Finding
		Polling(New(func(f Finding) { got = f }), c.every, c.repositories, c.token)
		if got.Level != c.level || !strings.Contains(got.Text, c.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
