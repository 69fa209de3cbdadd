package quantity

import (
	"testing"
	"time"
)

func TestParseMoment(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	want := time.Date(2026, 12, 1, 18, 0, 0, 0, zone)
	for text, ok := range map[string]bool{
		"2026-12-01 18:00": true, "2026-12-01T18:00": true, "2026-12-01 18:00:00": true, "2026-12-01T18:00:00": true,
		"2026-12-01T18:00:00+02:00": true, "2026-12-01T16:00:00Z": true,
		"2026-12-01": false, "18:00": false, "01.12.2026 18:00": false, "2026-13-01 18:00": false, "tomorrow": false,
		"":                          false,
		"2026-12-01T18:00:00+24:00": false, "0001-01-01T00:00:00Z": false, "0001-01-01 00:00": false,
	} {
		got, err := ParseMoment(text, zone)
		if (err == nil) != ok || ok && !got.Equal(want) {
			t.Errorf("ParseMoment(%q) = %s, %v; want accepted: %v", text, got, err, ok)
		}
	}
}
