package mask

import "cmp"

// automaton finds all patterns in one pass over the input (Aho and Corasick, 1975), with every
// transition laid out in a table. Where no pattern has begun, it skips ahead by looking at pairs of
// bytes (Wu and Manber, 1994).
type automaton struct {
	class  [256]uint8 // bytes that occur in no pattern share class 0
	width  int32      // number of classes
	next   []int32    // by state (its number times width) plus class; matched is set when the target ends a pattern
	depths []int32    // by state number: length of the longest beginning of a pattern with which the input ends
	match  []int32    // by state number: length of the longest pattern with which the input ends

	shortest int           // length of the shortest pattern, at most 256
	leap     [1 << 16]byte // by pair of bytes: see skip
}

const (
	matched   = -1 << 31
	stateMask = 1<<31 - 1
)

// compile builds the automaton; it returns nil when there are no patterns.
func compile(patterns []string) *automaton {
	if len(patterns) == 0 {
		return nil
	}
	a := &automaton{}
	a.classify(patterns)
	states := 1
	for _, p := range patterns {
		states += len(p)
	}
	a.next = make([]int32, 0, states*int(a.width))
	a.addState(0)
	for _, p := range patterns {
		a.insert(p)
	}
	a.link()
	a.measureLeaps(patterns)
	return a
}

// depth is how many bytes at the input's end may begin a pattern.
func (a *automaton) depth(state int32) int { return int(a.depths[state/a.width]) }

// longest is the length of the longest pattern with which the input ends.
func (a *automaton) longest(state int32) int { return int(a.match[state/a.width]) }

// skip returns the first place from i on where a pattern may begin: a pattern that began at i would
// reach, with its first bytes, over the pair that is looked at.
func (a *automaton) skip(p []byte, i int) int {
	for last := a.shortest - 1; i+last < len(p); {
		n := int(a.leap[int(p[i+last-1])<<8|int(p[i+last])])
		if n == 0 {
			break
		}
		i += n
	}
	return i
}

// measureLeaps finds for each pair how many bytes can be skipped when the pair ends a window of
// `shortest` bytes.
func (a *automaton) measureLeaps(patterns []string) {
	a.shortest = 256
	for _, p := range patterns {
		a.shortest = min(a.shortest, len(p))
	}
	for pair := range a.leap {
		a.leap[pair] = byte(a.shortest - 1)
	}
	for _, p := range patterns {
		for i := range a.shortest - 1 {
			pair := int(p[i])<<8 | int(p[i+1])
			a.leap[pair] = min(a.leap[pair], byte(a.shortest-2-i))
		}
	}
}

func (a *automaton) classify(patterns []string) {
	var seen [256]bool
	for _, p := range patterns {
		for i := range len(p) {
			seen[p[i]] = true
		}
	}
	classes := 1
	for c, s := range seen {
		// When all 256 bytes are in use, the last one has class 0 to itself.
		if s && classes < 256 {
			a.class[c] = uint8(classes)
			classes++
		}
	}
	a.width = int32(classes)
}

func (a *automaton) addState(depth int32) int32 {
	state := int32(len(a.next))
	a.next = a.next[:len(a.next)+int(a.width)] // compile has made room
	a.depths = append(a.depths, depth)
	a.match = append(a.match, 0)
	return state
}

// insert adds a pattern to the trie, in which 0 means no transition yet.
func (a *automaton) insert(pattern string) {
	var state int32
	for i := range len(pattern) {
		edge := &a.next[state+int32(a.class[pattern[i]])]
		if *edge == 0 {
			*edge = a.addState(int32(i + 1))
		}
		state = *edge
	}
	a.match[state/a.width] = int32(len(pattern))
}

// link turns the trie into the automaton, breadth first. Where a transition is missing, it takes
// that of the state's longest proper suffix, which is complete by then.
func (a *automaton) link() {
	fail := make([]int32, len(a.depths)) // by state number
	queue := []int32{0}
	for ; len(queue) > 0; queue = queue[1:] {
		state := queue[0]
		back := fail[state/a.width]
		for c := range a.width {
			to, other := a.next[state+c], a.next[back+c]
			if to == 0 {
				a.next[state+c] = other
				continue
			}
			queue = append(queue, to)
			n := to / a.width
			if state != 0 { // the root's own suffix is the root
				fail[n] = other & stateMask
				a.match[n] = cmp.Or(a.match[n], a.match[fail[n]/a.width])
			}
			if a.match[n] != 0 {
				a.next[state+c] |= matched
			}
		}
	}
}
