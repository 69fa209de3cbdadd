package delivery

import (
	"encoding/json"
	"time"
)

// What a build does not need may have any type and any value: a delivery is GitHub's word, and is
// not refused for the date of a commit or for a member that has become an object. The types here
// accept what they want and treat anything else as missing.

// text is a text; anything else is "".
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	*t = text(as[string](raw))
	return nil
}

// flag is true, false or, for anything else, unset.
type flag struct{ said *bool }

func (f *flag) UnmarshalJSON(raw []byte) error {
	f.said = as[*bool](raw)
	return nil
}

func (f flag) isTrue() bool { return f.said != nil && *f.said }

// list counts the members of a list; it is 0 for anything else.
type list int

func (l *list) UnmarshalJSON(raw []byte) error {
	*l = list(len(as[[]json.RawMessage](raw)))
	return nil
}

// moment is a time: Unix seconds in a push, RFC 3339 in other events. It is zero for anything else.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(raw []byte) error {
	m.Time = as[time.Time](raw)
	if seconds := as[int64](raw); seconds > 0 {
		m.Time = time.Unix(seconds, 0).UTC()
	}
	return nil
}

// person is a person's name; anything else is "".
type person struct{ Name text }

func (p *person) UnmarshalJSON(raw []byte) error {
	p.Name = as[struct{ Name text }](raw).Name
	return nil
}

// as parses raw as a T; it returns the zero T where raw is something else.
func as[T any](raw []byte) (value T) {
	if err := json.Unmarshal(raw, &value); err != nil {
		return *new(T)
	}
	return value
}
