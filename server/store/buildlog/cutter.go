package buildlog

import (
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/mask"
	"vivarium/pipeline/results"
)

const (
	// chunkSize is how many bytes one chunk has at most.
	chunkSize = 64 << 10
	// chunkCost is what a chunk takes in memory besides its bytes; in the database it is less. A
	// program that writes to its two streams in turn makes a chunk of each byte.
	chunkCost = 128
	// bytesPerChunk is the average length of chunks below which the log's head ends early.
	bytesPerChunk = 64
	// minChunks are in the head at least, however low the limit is, before that counts.
	minChunks = 1000
)

// cutter makes chunks of the output of one attempt. It masks secrets, and keeps of the output the
// head up to a limit, of what comes after that the tail of each step, and the size of the gap.
type cutter struct {
	secrets *mask.Secrets
	limit   int64 // bytes of the head
	attempt int
	now     func() time.Time

	head  struct{ bytes, chunks int64 }
	lines lineCount // of this attempt, without the running step's tail

	// Of the running step.
	step  pipeline.StepName
	masks map[pipeline.Stream]*mask.Masker
	tail  tail
	held  held // results whose place the tail has

	omittedBefore int64 // bytes left out of the steps before

	made  []Chunk        // and not yet taken
	tests []results.Test // those too; a place is a line of this attempt's
	size  int            // bytes of both, with what they cost
}

func newCutter(attempt int, limit int64, secrets []string, now func() time.Time) cutter {
	return cutter{
		secrets: mask.Prepare(secrets),
		limit:   limit,
		attempt: attempt,
		now:     now,
		masks:   map[pipeline.Stream]*mask.Masker{},
	}
}

// output takes a piece of a step's output, which it copies.
func (c *cutter) output(step pipeline.StepName, stream pipeline.Stream, p []byte) {
	if step != c.step {
		c.begin(step)
	}
	m := c.masks[stream]
	if m == nil {
		m = c.secrets.Masker()
		c.masks[stream] = m
	}
	c.add(stream, m.Write(p))
}

// begin ends the running step and begins another.
func (c *cutter) begin(step pipeline.StepName) {
	c.end()
	c.step = step
}

// end ends the running step: it lets out what masking and the tail have kept back.
func (c *cutter) end() {
	for _, stream := range []pipeline.Stream{pipeline.Stdout, pipeline.Stderr, pipeline.System} {
		if m := c.masks[stream]; m != nil {
			c.add(stream, m.Flush())
		}
	}
	clear(c.masks)
	c.omittedBefore += c.tail.omitted
	c.release()
	for _, t := range c.tail.take() {
		c.made = append(c.made, t)
		c.size += len(t.Data) + chunkCost
	}
}

// add puts masked output into the head, and what is past its limit into the tail. It copies p.
func (c *cutter) add(stream pipeline.Stream, p []byte) {
	if len(p) == 0 {
		return
	}
	head := p[:min(int64(len(p)), c.room())]
	if len(head) > 0 {
		before := len(c.made)
		c.made = appendOutput(c.made, c.chunk(stream), head)
		added := len(c.made) - before
		c.head.bytes += int64(len(head))
		c.head.chunks += int64(added)
		c.size += len(head) + added*chunkCost
		c.lines.add(head)
	}
	if rest := p[len(head):]; len(rest) > 0 {
		c.tail.add(c.chunk(stream), rest)
	}
}

// room is how many bytes the head still takes.
func (c *cutter) room() int64 {
	if c.head.chunks >= c.limit/bytesPerChunk+minChunks {
		return 0
	}
	return max(c.limit-c.head.bytes, 0)
}

func (c *cutter) chunk(stream pipeline.Stream) Chunk {
	return Chunk{Attempt: c.attempt, Step: c.step, Stream: stream, Time: c.now()}
}

// take gives the chunks that were made since it was last called. Who wants results takes these first.
func (c *cutter) take() []Chunk {
	made := c.made
	c.made, c.tests, c.size = nil, nil, 0
	return made
}

// omitted is how many bytes are left out so far.
func (c *cutter) omitted() int64 { return c.omittedBefore + c.tail.omitted }

// appendOutput appends a copy of p to the last chunk, if that is of the same step and stream and
// has room, and then to new ones like c.
func appendOutput(chunks []Chunk, c Chunk, p []byte) []Chunk {
	if n := len(chunks); n > 0 {
		last := &chunks[n-1]
		if last.Step == c.Step && last.Stream == c.Stream && last.Omitted == 0 {
			fits := min(len(p), max(chunkSize-len(last.Data), 0))
			last.Data = append(last.Data, p[:fits]...)
			p = p[fits:]
		}
	}
	for len(p) > 0 {
		fits := min(len(p), chunkSize)
		c.Data = append([]byte(nil), p[:fits]...)
		chunks = append(chunks, c)
		p = p[fits:]
	}
	return chunks
}
