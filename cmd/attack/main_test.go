package attack

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := errors.Join(closeWorld(), closeBinary()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	printReport(os.Stdout)
	os.Exit(code)
}

// patience lengthens a deadline on machines that are slower by far, such as emulated ones.
// VIVARIUM_TEST_PATIENCE is the factor. Limits do the same there; they only take longer.
func patience(t testing.TB, d time.Duration) time.Duration {
	t.Helper()
	text := os.Getenv("VIVARIUM_TEST_PATIENCE")
	if text == "" {
		return d
	}
	var times float64
	if _, err := fmt.Sscan(text, &times); err != nil || times < 1 {
		t.Fatalf("VIVARIUM_TEST_PATIENCE=%s is no number of times", text)
	}
	return time.Duration(float64(d) * times)
}
