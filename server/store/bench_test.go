package store

import "testing"

func BenchmarkAcceptPush(b *testing.B) {
	s, err := Open(b.Context(), Options{DataDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	n := 0
	for b.Loop() {
		n++
		if _, err := s.AcceptPush(b.Context(), push(n)); err != nil {
			b.Fatal(err)
		}
	}
}
