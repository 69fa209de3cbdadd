package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// foldedDepth is the depth to which names are compared without regard to case: the payload itself
// and the objects in it, which is all that we read. Further down, users choose names (a
// repository's custom properties).
const foldedDepth = 2

// Bounds on what is remembered of a payload while it is read, also before its signature is checked:
// 25 MB of brackets would take gigabytes. GitHub's own payloads are some ten deep and have some
// hundred members.
const (
	maxDepth   = 64
	maxMembers = 10_000 // of one object
)

// checkJSON accepts one JSON object in valid UTF-8 without duplicate names. encoding/json takes the
// last of two members and ignores case in names, so that two readers of one payload could see two
// repositories.
func checkJSON(p []byte) error {
	if !utf8.Valid(p) {
		return errors.New("it is not UTF-8")
	}
	if !bytes.HasPrefix(bytes.TrimLeft(p, " \t\r\n"), []byte("{")) {
		return errors.New("it is not a JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(p))
	d.UseNumber()
	var open nesting
	for {
		token, err := d.Token()
		if err == io.EOF && len(open) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it is not JSON: %w", err)
		}
		if err := open.see(token); err != nil {
			return err
		}
	}
}

// nesting is the objects and arrays that are being read, the innermost last.
type nesting []*members

// see takes the next token.
func (n *nesting) see(token json.Token) error {
	depth := len(*n)
	if depth > 0 {
		if err := (*n)[depth-1].see(token, depth); err != nil {
			return err
		}
	}
	switch token {
	case json.Delim('{'):
		return n.begin(&members{object: true, wantName: true, seen: map[string]bool{}})
	case json.Delim('['):
		return n.begin(&members{})
	case json.Delim('}'), json.Delim(']'):
		*n = (*n)[:depth-1]
	}
	return nil
}

func (n *nesting) begin(m *members) error {
	if len(*n) == maxDepth {
		return fmt.Errorf("it is more than %d deep", maxDepth)
	}
	*n = append(*n, m)
	return nil
}

// members is an object or array that is being read.
type members struct {
	object   bool
	wantName bool // the next token of the object is a name, not a value
	seen     map[string]bool
}

// see takes the next token that is directly inside m. m is at the given depth.
func (m *members) see(token json.Token, depth int) error {
	if !m.object || token == json.Delim('}') {
		return nil
	}
	name, isString := token.(string)
	if !m.wantName || !isString {
		m.wantName = true
		return nil
	}
	m.wantName = false
	if depth <= foldedDepth {
		name = strings.ToLower(strings.ToUpper(name)) // both conversions, for ſ and the Kelvin sign
	}
	if m.seen[name] {
		return fmt.Errorf("the name %.40q stands twice in one object", name)
	}
	if len(m.seen) == maxMembers {
		return fmt.Errorf("an object has more than %d members", maxMembers)
	}
	m.seen[name] = true
	return nil
}
