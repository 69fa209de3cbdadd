package sandbox_test

import (
	"testing"
	"time"

	"vivarium/images/imagestest"
)

func TestSandboxesOfOtherServersCountByTheirLimits(t *testing.T) {
	e := connect(t)
	sp := spec(e, imagestest.Runner(t))
	sp.Instance = testInstance + "-admission"
	s, err := e.Start(t.Context(), sp)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	// Sandboxes of others come and go between the two looks, so that it may take several.
	for deadline := time.Now().Add(30 * time.Second); ; {
		toOthers, err := e.OthersMemory(t.Context(), testInstance+"-somebody-else")
		if err != nil {
			t.Fatal(err)
		}
		toItself, err := e.OthersMemory(t.Context(), sp.Instance)
		if err != nil {
			t.Fatal(err)
		}
		want := sp.Limits.Memory + sp.Limits.Disk
		if toOthers-toItself == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it counts %d for others and %d for itself, want %d more for others", toOthers, toItself, want)
		}
	}
}
