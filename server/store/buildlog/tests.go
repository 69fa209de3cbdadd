package buildlog

import (
	"bytes"

	"vivarium/pipeline/results"
	"vivarium/server/store/database"
)

// lineCount counts the lines of a text that comes in pieces.
type lineCount struct {
	ended int64
	open  bool // the text does not end with a line's end
}

func (n *lineCount) add(p []byte) {
	if len(p) > 0 {
		n.ended += int64(bytes.Count(p, []byte{'\n'}))
		n.open = p[len(p)-1] != '\n'
	}
}

// last is the line in which the last character stands, from 1; 1 for an empty text.
func (n *lineCount) last() int64 {
	if n.open {
		return n.ended + 1
	}
	return max(n.ended, 1)
}

// held are red results whose place is a line of the running step's tail: which of these lines are
// kept, and what they come after, is known when the step ends.
type held struct {
	tests []results.Test
	size  int
}

// Bounds of what is held. The place of what is beyond them is not known.
const (
	maxHeld     = 1000
	maxHeldSize = 8 << 20
)

// testCost is what a result takes in memory besides its texts.
const testCost = 256

func sizeOf(t results.Test) int {
	return testCost + len(t.ID) + len(t.Sub) + len(t.Reason) + len(t.Traceback) + len(t.Output) + len(t.Path)
}

// results takes results. The place of a red one is the line that was written last; others have none,
// since they come some time after their output.
func (c *cutter) results(list []results.Test) {
	for _, t := range list {
		t = c.masked(t)
		t.At = 0
		switch {
		case !t.Outcome.Red():
		case len(c.tail.chunks) == 0:
			t.At = c.lines.last()
		case len(c.held.tests) < maxHeld && c.held.size < maxHeldSize:
			t.At = c.tail.lines.last()
			c.held.tests = append(c.held.tests, t)
			c.held.size += sizeOf(t)
			continue
		}
		c.tests = append(c.tests, t)
		c.size += sizeOf(t)
	}
}

func (c *cutter) masked(t results.Test) results.Test {
	for _, text := range []*string{&t.ID, &t.Sub, &t.Reason, &t.Traceback, &t.Output, &t.Path, &t.After} {
		*text = c.secrets.Hide(*text)
	}
	asked := make([]results.Asked, len(t.Asked))
	for i, a := range t.Asked {
		asked[i] = results.Asked{Kind: a.Kind, Name: c.secrets.Hide(a.Name)}
	}
	t.Asked = asked
	return t
}

// release lets out what was held, before the tail is taken, and counts the tail's lines.
func (c *cutter) release() {
	if len(c.tail.chunks) == 0 {
		return
	}
	before := c.lines.ended
	if c.tail.omitted > 0 {
		before += gapLines
	}
	for _, t := range c.held.tests {
		if t.At <= c.tail.lost {
			t.At = 0 // it is left out
		} else {
			t.At += before - c.tail.lost
		}
		c.tests = append(c.tests, t)
		c.size += sizeOf(t)
	}
	c.held = held{}
	c.lines = lineCount{ended: before + c.tail.lines.ended - c.tail.lost, open: c.tail.lines.open}
}

// putTests stores results as part of the commit after which so many lines of the log have ended.
func (r *Recorder) putTests(tx *database.Tx, got gathered, lines int64) error {
	if !r.placed {
		for _, c := range got.chunks {
			lines -= c.Lines()
		}
		r.before, r.placed = lines, true
	}
	for _, t := range got.tests {
		switch {
		case t.At > 0 && r.before >= 0:
			t.At += r.before
		default:
			t.At = 0
		}
		r.tests.Add(t)
	}
	return r.tests.Put(tx, got.change != nil || got.closing)
}
