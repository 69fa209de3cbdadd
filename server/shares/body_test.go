package shares

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// held is what all bodies of a test may hold, in bytes.
const held = 1 << 20

func TestBodiesTogetherHoldABoundedAmountOfMemory(t *testing.T) {
	all := New(held)
	hold := func() *Body { return &Body{Of: all, Client: "127.0.0.1"} }
	others := hold()
	if err := others.take(held - BodyStep); err != nil {
		t.Fatal(err)
	}
	one := hold()
	if body, err := one.ReadAll(strings.NewReader("small")); err != nil || string(body) != "small" {
		t.Errorf("control: a body that fits: %q, %v", body, err)
	}
	two := hold()
	if _, err := two.ReadAll(strings.NewReader("small")); !errors.Is(err, ErrNoneLeft) {
		t.Errorf("a body that does not fit: %v, want that nothing is left", err)
	}
	two.Free()
	one.Free()
	others.Free()
	if err := all.Take("127.0.0.1", held); err != nil {
		t.Errorf("some bytes are still counted: %v", err)
	}
}

func TestBodyIsReadWholeHoweverLargeItIs(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789"), 100_000)
	one := &Body{Of: New(256 * held)}
	defer one.Free()
	if got, err := one.ReadAll(io.MultiReader(bytes.NewReader(want[:7]), bytes.NewReader(want[7:]))); err != nil ||
		!bytes.Equal(got, want) {
		t.Errorf("got %d bytes, %v; want %d", len(got), err, len(want))
	}
}
