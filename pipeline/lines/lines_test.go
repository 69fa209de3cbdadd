package lines

import (
	"slices"
	"strings"
	"testing"
)

func TestStreamIsCutIntoLinesHoweverItComes(t *testing.T) {
	text := "a\r\n\n" + strings.Repeat("x", 3*Max) + "\nb\nnot ended"
	want := []string{"a", "", strings.Repeat("x", Max), "b"}
	for _, size := range []int{1, 7, len(text)} {
		var c Cutter
		var got []string
		for piece := range slices.Chunk([]byte(text), size) {
			c.Each(piece, func(s string) { got = append(got, s) })
		}
		if !slices.Equal(got, want) {
			t.Errorf("in pieces of %d: got %q", size, got)
		}
	}
}
