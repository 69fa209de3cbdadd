package quantity

import (
	"fmt"
	"time"
)

// momentForms are the ways in which people write a time. A date alone is not one: it may mean the
// day's first or last moment.
var momentForms = []string{time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"}

// ParseMoment reads a time as RFC 3339 or as 2006-01-02 15:04, which is in zone.
func ParseMoment(text string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil && isMoment(t) {
		return t, nil
	}
	for _, form := range momentForms {
		if t, err := time.ParseInLocation(form, text, zone); err == nil && isMoment(t) {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is not a time such as 2026-12-01 18:00 (in this server's zone) or "+
		"2026-12-01T18:00:00+01:00", text)
}

// ParsePast reads how long ago something was, such as 90m or 12h, or a time as ParseMoment does.
func ParsePast(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return ParseMoment(text, zone)
}

// isMoment reports whether RFC 3339 can write t (its zones are below 24 hours) and t is not before
// 1970. The zero time would mean that no time is set.
func isMoment(t time.Time) bool {
	_, err := t.MarshalText()
	return err == nil && t.Unix() >= 0
}
