package buildlog

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
)

func cutterOf(limit int64, secrets ...string) *cutter {
	c := newCutter(1, limit, secrets, time.Now)
	return &c
}

// data is what chunks hold.
func data(chunks []Chunk) []byte {
	var all []byte
	for _, c := range chunks {
		all = append(all, c.Data...)
	}
	return all
}

func TestCutterKeepsEveryByteWithinTheLimit(t *testing.T) {
	const limit = 1 << 20
	c, random := cutterOf(limit), rand.New(rand.NewPCG(1, 2))
	var all []byte
	var made []Chunk
	for len(all) < limit {
		p := bytes.Repeat([]byte{byte(random.IntN(256))}, min(random.IntN(3*chunkSize), limit-len(all)))
		all = append(all, p...)
		c.output(pipeline.StepTest, []pipeline.Stream{pipeline.Stdout, pipeline.Stderr}[random.IntN(2)], p)
		clear(p) // the caller may use it again
		if random.IntN(3) == 0 {
			made = append(made, c.take()...)
		}
	}
	c.end()
	made = append(made, c.take()...)
	if !bytes.Equal(data(made), all) || c.omitted() != 0 {
		t.Errorf("%d bytes in chunks and %d left out, of %d", len(data(made)), c.omitted(), len(all))
	}
	for _, m := range made {
		if len(m.Data) > chunkSize || m.Omitted > 0 {
			t.Errorf("a chunk of %d bytes that leaves out %d", len(m.Data), m.Omitted)
		}
	}
}

func TestCutterKeepsTheTailOfEachStepPastTheLimit(t *testing.T) {
	const limit, over = 1000, 10
	c := cutterOf(limit)
	text := bytes.Repeat([]byte("0123456789"), (limit+maxTail)/10+1)
	for i, step := range []struct {
		name pipeline.StepName
		head int // bytes before the gap
	}{
		{pipeline.StepInstall, limit},
		{pipeline.StepTest, 0}, // the head is full
	} {
		p := append(text[:step.head+maxTail:step.head+maxTail], bytes.Repeat([]byte("x"), over)...)
		c.begin(step.name)
		c.output(step.name, pipeline.Stdout, p)
		c.end()
		head, gaps := 0, 0
		made := c.take()
		for _, m := range made {
			if m.Step != step.name {
				t.Errorf("a chunk of %s in %s", m.Step, step.name)
			}
			if m.Omitted > 0 {
				gaps++
				if m.Omitted != over || head != step.head {
					t.Errorf("%s: a gap of %d bytes after %d, want %d after %d", step.name, m.Omitted, head, over, step.head)
				}
			}
			head += len(m.Data)
		}
		want := append(p[:step.head:step.head], p[len(p)-maxTail:]...)
		if gaps != 1 || !bytes.Equal(data(made), want) {
			t.Errorf("%s: %d gaps in %d bytes, want one in %d", step.name, gaps, len(data(made)), len(want))
		}
		if got := c.omitted(); got != int64((i+1)*over) {
			t.Errorf("%d bytes left out after %s, want %d", got, step.name, (i+1)*over)
		}
	}
}

func TestCutterMasksBeforeItCuts(t *testing.T) {
	const secret = "canary-token"
	for _, limit := range []int64{1 << 20, 4} { // in the head, and across its end
		c := cutterOf(limit, secret)
		c.output(pipeline.StepTest, pipeline.Stdout, []byte("a cana"))
		if got := string(data(c.made)); strings.Contains(got, "cana") {
			t.Errorf("what may be the beginning of a secret is let out: %q", got)
		}
		c.output(pipeline.StepTest, pipeline.Stderr, []byte("b "))
		c.output(pipeline.StepTest, pipeline.Stdout, []byte("ry-token c cana"))
		c.end()
		if got, want := string(data(c.take())), "a b *** c cana"; got != want {
			t.Errorf("limit %d: got %q, want %q", limit, got, want)
		}
	}
}
