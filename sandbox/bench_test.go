package sandbox_test

import (
	"os/exec"
	"testing"
	"time"

	"vivarium/images/imagestest"
	"vivarium/sandbox"
)

// BenchmarkStart is a cold start and its end. BenchmarkDockerRun is the engine's own shortest run,
// for comparison.
func BenchmarkStart(b *testing.B) {
	e := connect(b)
	sp := spec(e, imagestest.Runner(b))
	var ready time.Duration
	for b.Loop() {
		began := time.Now()
		s, err := e.Start(b.Context(), sp)
		if err != nil {
			b.Fatal(err)
		}
		ready += time.Since(began)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(ready.Milliseconds())/float64(b.N), "ready-ms/op")
}

func BenchmarkDockerRun(b *testing.B) {
	image := imagestest.Runner(b)
	for b.Loop() {
		if out, err := exec.Command("docker", "run", "--rm", "--entrypoint", "true",
			image).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
}

func BenchmarkFirstByte(b *testing.B) {
	s := start(b, nil)
	var first time.Duration
	for b.Loop() {
		began, seen := time.Now(), time.Duration(0)
		_, err := s.Run(b.Context(), sandbox.Command{Argv: []string{"echo"}}, func(sandbox.Stream, []byte) error {
			seen = time.Since(began)
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		first += seen
	}
	b.ReportMetric(float64(first.Microseconds())/1000/float64(b.N), "first-ms/op")
}

func BenchmarkOutput(b *testing.B) {
	s := start(b, nil)
	b.SetBytes(100 << 20)
	for b.Loop() {
		_, err := s.Run(b.Context(), shell("head -c 104857600 /dev/zero"),
			func(sandbox.Stream, []byte) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}
