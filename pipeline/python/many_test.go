package python

import (
	"fmt"
	"testing"
	"time"
)

func TestManyVirtualEnvironmentsAndTestsArePlannedAtOnce(t *testing.T) {
	files := map[string]string{"requirements.txt": ""}
	const environments, tests = 8_000, 150_000 // comparing each with each would take half a minute
	for i := range environments {
		files[fmt.Sprintf("a%d/pyvenv.cfg", i)] = ""
	}
	for i := range tests {
		files[fmt.Sprintf("b%d/x_test.py", i)] = ""
	}
	s := survey(files)
	began := time.Now()
	plan, err := Detect(s, options)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if err != nil || len(plan.NotRun)+len(plan.Test) == 0 {
		t.Errorf("got %d commands and %d files that are not run (%v), want what becomes of the tests", len(plan.Test),
			len(plan.NotRun), err)
	}
}
