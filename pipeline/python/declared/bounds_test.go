package declared

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestReadTakesMemoryInProportion: what is written once can be included any number of times.
func TestReadTakesMemoryInProportion(t *testing.T) {
	groups := "[dependency-groups]\nbig = [" + strings.Repeat("'a',", 20_000) + "]\n"
	for i := range 1000 {
		groups += fmt.Sprintf("g%d = [{include-group = 'big'}]\n", i)
	}
	for name, files := range map[string]map[string]string{
		"groups": {"pyproject.toml": groups},
		"aliases": {"environment.yml": "pip: &x\n  pip: [" + strings.Repeat("a,", 980) + "a]\ndependencies:\n- a\n" +
			strings.Repeat("- *x\n", 10_000)},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			p := project(t, files)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 128<<20 {
				t.Errorf("it took %d MiB", took>>20)
			}
			if len(p.Groups) == 0 && len(p.Dependencies.Requirements) < 2 {
				t.Error("nothing is read")
			}
		})
	}
}
