package buildlog

import "bytes"

// Bounds of a step's tail, which is kept in memory until the step ends.
const (
	maxTail       = 1 << 20
	maxTailChunks = 4096
)

// tail is the last maxTail bytes of a step's output past the log's limit, in chunks of one stream
// each; fewer bytes where there would be more than maxTailChunks.
type tail struct {
	chunks  []Chunk
	size    int
	omitted int64 // bytes that were dropped at the front
	lost    int64 // lines that end in them
	lines   lineCount
}

// add appends a copy of p, in chunks like c.
func (t *tail) add(c Chunk, p []byte) {
	t.chunks = appendOutput(t.chunks, c, p)
	t.size += len(p)
	t.lines.add(p)
	for t.size > maxTail || len(t.chunks) > maxTailChunks {
		first := &t.chunks[0]
		drop := len(first.Data)
		if len(t.chunks) <= maxTailChunks {
			drop = min(t.size-maxTail, drop)
		}
		t.lost += int64(bytes.Count(first.Data[:drop], []byte{'\n'}))
		first.Data = first.Data[drop:]
		t.size -= drop
		t.omitted += int64(drop)
		if len(first.Data) == 0 {
			t.chunks = t.chunks[1:]
		}
	}
}

// take empties the tail: the gap, if anything was dropped, then the chunks.
func (t *tail) take() []Chunk {
	var out []Chunk
	if t.omitted > 0 {
		gap := t.chunks[0]
		gap.Data, gap.Omitted = nil, t.omitted
		out = append(out, gap)
	}
	out = append(out, t.chunks...)
	*t = tail{}
	return out
}
