// Package mask hides secrets in a stream of output, wherever the stream is cut.
package mask

import "slices"

// MinLength is the shortest secret that is looked for, in bytes. Hiding shorter ones would make
// holes in ordinary text.
const MinLength = 6

// replacement stands for a secret of any length.
const replacement = "***"

// Masker replaces secrets by ***: as they are, and in the encodings in which tools print them:
// base64 (standard and URL alphabet, anywhere inside a longer text, in one line or in several),
// percent-encoding and hexadecimal. Overlapping secrets are hidden together. A Masker holds back
// only what may be the beginning of a secret. It is for one stream and one goroutine.
type Masker struct {
	auto *automaton // nil when there is nothing to hide

	state   int32
	wrapped wrapped
	held    []byte // not yet shown: the longest end of the input that may begin a secret
	// spans are what must be hidden, ascending and disjoint. Places count from the first held byte;
	// after Write, a span that was shown in part begins at 0.
	spans []span
	found []span // by the scan in progress
	out   []byte
}

// span is a stretch of the input to hide.
type span struct {
	from, to int
	shown    bool // its replacement has been shown
}

// Secrets are what to hide, prepared once for any number of streams: preparing takes some
// milliseconds.
type Secrets struct {
	auto    *automaton
	wrapped wrapped // as at the beginning of a stream
}

// Prepare prepares secrets; those shorter than MinLength are ignored.
func Prepare(secrets []string) *Secrets {
	return &Secrets{auto: compile(patterns(secrets)), wrapped: newWrapped(base64Patterns(secrets))}
}

// Masker makes a Masker for one stream.
func (s *Secrets) Masker() *Masker { return &Masker{auto: s.auto, wrapped: s.wrapped} }

// Hide masks a whole text.
func (s *Secrets) Hide(text string) string {
	m := s.Masker()
	shown := string(m.Write([]byte(text))) // copied before Flush, which uses the same memory
	return shown + string(m.Flush())
}

// New makes a Masker for a single stream.
func New(secrets []string) *Masker { return Prepare(secrets).Masker() }

// Write takes the next piece and returns what can be shown. It holds back the rest, which may be
// the start of a secret. The result is valid until the next call and may share p's memory.
func (m *Masker) Write(p []byte) []byte {
	if m.auto == nil {
		return p
	}
	m.scan(p)
	total := len(m.held) + len(p)
	keep := max(m.auto.depth(m.state), m.wrapped.held(total))
	m.wrapped.shift(total - keep)
	if len(m.held) == 0 && len(m.spans) == 0 {
		m.held = append(m.held, p[total-keep:]...)
		return p[:total-keep]
	}
	m.held = append(m.held, p...)
	return m.show(total - keep)
}

// Flush returns what was held back.
func (m *Masker) Flush() []byte {
	m.state = 0
	m.wrapped.reset()
	return m.show(len(m.held))
}

// scan notes what is to be hidden in p.
func (m *Masker) scan(p []byte) {
	m.found = m.found[:0]
	m.scanLines(p)
	plain := len(m.found)
	m.wrapped.scan(p, len(m.held), func(from, to int) { m.found = append(m.found, span{from: from, to: to}) })
	if len(m.found) > plain {
		slices.SortStableFunc(m.found, func(a, b span) int { return a.to - b.to })
	}
	for _, s := range m.found {
		m.hide(s.from, s.to)
	}
}

// scanLines moves the automaton over p.
func (m *Masker) scanLines(p []byte) {
	a, s := m.auto, m.state
	for i := 0; i < len(p); i++ {
		if s == 0 {
			i = a.skip(p, i)
		}
		s = a.next[s+int32(a.class[p[i]])]
		if s < 0 {
			s &= stateMask
			end := len(m.held) + i + 1
			m.found = append(m.found, span{from: end - a.longest(s), to: end})
		}
	}
	m.state = s
}

// hide adds a span that ends after all others, and merges it with those that it overlaps.
func (m *Masker) hide(from, to int) {
	s := span{from: from, to: to}
	for n := len(m.spans); n > 0 && m.spans[n-1].to > s.from; n-- {
		s.from = min(s.from, m.spans[n-1].from)
		s.shown = s.shown || m.spans[n-1].shown
		m.spans = m.spans[:n-1]
	}
	m.spans = append(m.spans, s)
}

// show removes the first n held bytes and returns them with the secrets replaced.
func (m *Masker) show(n int) []byte {
	out, at := m.out[:0], 0
	rest := 0 // number of spans that stay, whole or in part
	for _, s := range m.spans {
		if s.from < n {
			out = append(out, m.held[at:max(at, s.from)]...)
			if !s.shown {
				out = append(out, replacement...)
				s.shown = true
			}
			at = min(s.to, n)
		}
		if s.to > n {
			m.spans[rest] = span{from: max(s.from-n, 0), to: s.to - n, shown: s.shown}
			rest++
		}
	}
	m.spans = m.spans[:rest]
	out = append(out, m.held[at:n]...)
	m.held = m.held[:copy(m.held, m.held[n:])]
	m.out = out
	return out
}
