package mask

import "bytes"

// wrapped finds base64 that is broken into lines, as base64(1), git and MIME print it: it skips a
// line break within what may be a secret. It takes one scan, and memory bounded by the longest
// form.
type wrapped struct {
	auto    *automaton // of the base64 forms; nil when there is nothing to hide
	longest int        // length of the longest form
	pairs   []bool     // by pair of bytes: whether it occurs in a form

	state int32
	last  byte // the line break's character that was skipped just now; 0 for none
	// breaks are the places of the line breaks inside what may be a secret, ascending.
	breaks []int
}

func newWrapped(forms []string) wrapped {
	w := wrapped{auto: compile(forms), pairs: make([]bool, 1<<16)}
	for _, f := range forms {
		w.longest = max(w.longest, len(f))
		for i := range len(f) - 1 {
			w.pairs[int(f[i])<<8|int(f[i+1])] = true
		}
	}
	return w
}

// minHead is how many characters of a secret's form must come before a line break for both to be
// held back. A line that just ends in the first letter of a form is shown at once; should the rest
// follow, up to three characters (18 bits) of it have been seen.
const minHead = 4

// scan scans p, which begins at place at, and calls found for each stretch to hide.
func (w *wrapped) scan(p []byte, at int, found func(from, to int)) {
	if w.auto == nil {
		return
	}
	for i := 0; i < len(p); i++ {
		if w.state == 0 {
			if i = w.leap(p, i); i >= len(p) {
				break
			}
		}
		if w.passOver(p[i]) {
			w.breaks = append(w.breaks, at+i)
			continue
		}
		w.state = w.auto.next[w.state+int32(w.auto.class[p[i]])]
		if w.state < 0 {
			w.state &= stateMask
			found(w.begin(w.auto.longest(w.state), at+i+1), at+i+1)
		}
		w.forget(at + i + 1)
	}
}

// leap is the first place from i on where a form that continues after a line break may begin. Other
// forms are found without it.
func (w *wrapped) leap(p []byte, i int) int {
	for i < len(p) {
		n := bytes.IndexByte(p[i:], '\n')
		if n < 0 {
			return w.auto.skip(p, max(i, len(p)-w.longest))
		}
		end := i + n
		if w.joined(p, i, end) {
			// Where the first bytes of a form would all stand in this line, the automaton's own
			// skips are right.
			return w.auto.skip(p[:end], max(i, end-w.longest))
		}
		i = end + 1
	}
	return i
}

// joined reports whether the characters on both sides of the line break at end may belong together.
// The line began at from or before.
func (w *wrapped) joined(p []byte, from, end int) bool {
	before := end - 1
	if before > from && p[before] == '\r' {
		before--
	}
	if before < from {
		return false
	}
	return end+1 == len(p) || w.pairs[int(p[before])<<8|int(p[end+1])]
}

// passOver reports whether c is part of a line break, LF or CR LF, inside what may be a secret.
func (w *wrapped) passOver(c byte) bool {
	over := w.state != 0 && (c == '\r' && w.last == 0 || c == '\n' && w.last != '\n')
	w.last = 0
	if over {
		w.last = c
	}
	return over
}

// begin is where the last n characters before end begin, not counting line breaks. A head that is
// too short to be held back is left out.
func (w *wrapped) begin(n, end int) int {
	start, first := end-n, len(w.breaks)
	for first > 0 && w.breaks[first-1] >= start {
		start--
		first--
	}
	if first < len(w.breaks) && w.breaks[first]-start < minHead {
		for start = w.breaks[first]; first < len(w.breaks) && w.breaks[first] == start; first++ {
			start++
		}
	}
	return start
}

// forget drops the line breaks that come before what may be a secret.
func (w *wrapped) forget(end int) {
	if len(w.breaks) == 0 {
		return
	}
	start, kept := end-w.auto.depth(w.state), len(w.breaks)
	for kept > 0 && w.breaks[kept-1] >= start {
		start--
		kept--
	}
	w.breaks = w.breaks[:copy(w.breaks, w.breaks[kept:])]
}

// held is how many bytes before end may be the beginning of a secret.
func (w *wrapped) held(end int) int {
	if w.auto == nil {
		return 0
	}
	return end - w.begin(w.auto.depth(w.state), end)
}

// shift records that the first n bytes are gone.
func (w *wrapped) shift(n int) {
	for i := range w.breaks {
		w.breaks[i] -= n
	}
}

func (w *wrapped) reset() { w.state, w.last, w.breaks = 0, 0, w.breaks[:0] }
