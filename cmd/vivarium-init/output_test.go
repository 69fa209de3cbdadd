//go:build linux

package main

import (
	"bytes"
	"io"
	"slices"
	"sync"
	"testing"

	"vivarium/sandbox/wire"
)

// While the first half of a line is on its way to a slow host, the program writes the second half
// and then something on the other stream.
func TestOutputDoesNotCutALineByWhatIsSaidLaterOnTheOtherStream(t *testing.T) {
	for _, kind := range []wire.Kind{wire.KindStdout, wire.KindStderr} {
		p, err := newPipes(false)
		if err != nil {
			t.Fatal(err)
		}
		one, other := p.stdout.write, p.stderr.write
		if kind == wire.KindStderr {
			one, other = other, one
		}
		host, guest := io.Pipe()
		var drained sync.WaitGroup
		drained.Go(func() {
			if err := newPump(wire.NewWriter(guest), p.sources()).run(); err != nil {
				t.Error(err)
			}
		})
		say := func(w io.Writer, text string) {
			if _, err := io.WriteString(w, text); err != nil {
				t.Error(err)
			}
		}
		var got []string
		say(one, "spelling")
		head := make([]byte, 1)
		if _, err := io.ReadFull(host, head); err != nil { // pump holds the first half now
			t.Fatal(err)
		}
		say(one, " o\n")
		say(other, "ok\n")
		in := wire.NewReader(io.MultiReader(bytes.NewReader(head), host))
		for range 3 {
			_, text, err := in.Next()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(text))
		}
		p.closeWriters()
		drained.Wait()
		p.close()
		if want := []string{"spelling", " o\n", "ok\n"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
