package github

import (
	"encoding/json"
	"time"
)

// What a build does not need may have any type and any value: a delivery is GitHub's word, and is not refused for the date of a
// commit or for a member that has become an object. The types here read what they want, and take anything else for nothing.

// text is a text, or "".
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	*t = text(as[string](raw))
	return nil
}

// flag is what was said, true or false, or nil.
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

// moment is a time: in a push Unix seconds, in other events RFC 3339. It is zero for anything else.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(raw []byte) error {
	m.Time = as[time.Time](raw)
	if seconds := as[int64](raw); seconds > 0 {
		m.Time = time.Unix(seconds, 0).UTC()
	}
	return nil
}

// person is the name of a person, or "".
type person struct{ Name text }

func (p *person) UnmarshalJSON(raw []byte) error {
	p.Name = as[struct{ Name text }](raw).Name
	return nil
}

// as reads raw as a T, and as the zero T where it is something else.
func as[T any](raw []byte) (value T) {
	if err := json.Unmarshal(raw, &value); err != nil {
		return *new(T)
	}
	return value
}
