package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vivarium/pipeline/python"
)

func near(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }

func TestAFigureIsTheMedianOfThePairsOwnRatios(t *testing.T) {
	var p pairs
	for _, pair := range [][2]float64{{1, 2}, {3, 1}, {8, 10}, {6, 10}, {7, 10}} { // 0.5 3 0.8 0.6 0.7
		p.add(pair[0], pair[1])
	}
	f := p.seconds("name", "what", "")
	if !near(f.median(), 0.7) || !near(f.min(), 0.54) || !near(f.max(), 2.12) {
		t.Errorf("median %v, min %v, max %v, want 0.7, 0.54, 2.12", f.median(), f.min(), f.max())
	}
	if f.ours != "6s" || f.theirs != "10s" {
		t.Errorf("sides %s and %s, want 6s and 10s", f.ours, f.theirs)
	}
	if one := percentile([]float64{4}, 90); one != 4 {
		t.Errorf("90th percentile of 4 alone = %v", one)
	}
}

func TestJSONHasOneObjectPerFigureWithRatioOrValue(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bench.json")
	err := writeJSON(file,
		[]figure{{name: "log_rate", samples: []float64{2}}, {name: "log_rss_mib", samples: []float64{0}, plain: true}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]map[string]float64
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	rate, rss := got["log_rate"], got["log_rss_mib"]
	if rate["ratio"] != 2 || rate["min"] != 2 || rate["max"] != 2 {
		t.Errorf("log_rate = %v", rate)
	}
	value, there := rss["value"]
	if _, ratio := rss["ratio"]; value != 0 || !there || ratio {
		t.Errorf("log_rss_mib = %v, want a value of 0 and no ratio", rss)
	}
}

func TestPageKeepsWhatIsWrittenByHand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n" + string(coldTable) + "yesterday\n" + tableEnd + "after\n" + string(profileTable) + "kept\n" +
		tableEnd)
	f := []figure{{name: "cold_to_status", samples: []float64{0.73}}}
	for range 2 {
		if err := writePage(file, coldTable, "2 CPUs", f); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := string(page)
	if !strings.HasPrefix(got, "before\n") ||
		!strings.HasSuffix(got, "after\n"+string(profileTable)+"kept\n"+tableEnd) ||
		strings.Contains(got, "yesterday") ||
		strings.Count(got, "cold_to_status") != 1 || !strings.Contains(got, "0.73") {
		t.Errorf("page:\n%s", got)
	}
	write("no table here\n")
	if err := writePage(file, coldTable, "2 CPUs", f); err == nil {
		t.Error("a page without a place for the table was written")
	}
}

func TestTheScriptRunsTheCommandsOfTheBuildsOwnPlan(t *testing.T) {
	plan, err := planOf(smallRepository(1))
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Install) != 1 || len(plan.Test) == 0 {
		t.Fatalf("plan: install %v, test %v; want one install and tests", plan.Install, plan.Test)
	}
	script := scriptOf(plan, "http://host/repo.git", "abc")
	for _, want := range []string{
		"git fetch -q --depth=1 --no-tags http://host/repo.git abc\n",
		"python3 -m venv --without-pip /opt/vivarium/env\n",
		"--python /opt/vivarium/env install -r requirements.txt\n",
		python.Lines(plan.Lint) + "\n",
		python.Lines(plan.Test),
	} {
		if !strings.Contains(script, want) {
			t.Errorf("the script lacks %q:\n%s", want, script)
		}
	}
}

func TestMeterCountsThePayloadAloneAndMissesNothing(t *testing.T) {
	const size = 100 * payloadLine
	line := strings.Repeat(string(payload), payloadLine-1) + "\n"
	m := newMeter()
	for _, piece := range []string{"~/.cache is not payload\n", strings.Repeat(line, 99), line[:10], line[10:],
		"OK\n"} {
		if _, err := m.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.complete(size); err != nil {
		t.Error(err)
	}
	if err := m.complete(size + payloadLine); err == nil {
		t.Error("a log that lacks a line is complete")
	}
}

func TestMemoryOfThisProcessIsReadAfterAReset(t *testing.T) {
	before, err := resetPeak(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	after, err := memory(os.Getpid(), "VmHWM")
	if err != nil || before < 1 || after < before-1 {
		t.Errorf("before %v MiB, peak %v MiB, %v", before, after, err)
	}
}
