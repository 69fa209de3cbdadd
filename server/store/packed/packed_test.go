package packed

import (
	"bytes"
	"testing"
)

func TestUnpackGivesBackWhatWasPacked(t *testing.T) {
	for _, raw := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("one line of many\n"), 100_000)} {
		small, err := Pack(raw)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > 1000 && len(small) > len(raw)/100 {
			t.Errorf("%d bytes were packed into %d", len(raw), len(small))
		}
		if got, err := Unpack(small); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%d bytes came back as %d, %v", len(raw), len(got), err)
		}
	}
}

func TestUnpackRefusesWhatIsDamaged(t *testing.T) {
	packed, err := Pack(bytes.Repeat([]byte("abc"), 1000))
	if err != nil {
		t.Fatal(err)
	}
	packed[len(packed)/2] ^= 0xff
	for _, p := range [][]byte{packed, packed[:len(packed)-3], []byte("no such format")} {
		if raw, err := Unpack(p); err == nil {
			t.Errorf("%q was unpacked to %d bytes", p[:min(len(p), 20)], len(raw))
		}
	}
}
