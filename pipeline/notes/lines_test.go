package notes

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func TestLinesArePassedOnWholeUntilOneIsRefused(t *testing.T) {
	var said []string
	full := errors.New("full")
	w := &Lines{Say: func(line string) error {
		if said = append(said, line); len(said) == 3 {
			return full
		}
		return nil
	}}
	for _, piece := range []string{"a", "b\nc\n", "d", "\n", "e\n", "f"} {
		fmt.Fprint(w, piece)
	}
	if !slices.Equal(said, []string{"ab", "c", "d"}) || w.Err != full {
		t.Errorf("got %q, %v", said, w.Err)
	}
}
