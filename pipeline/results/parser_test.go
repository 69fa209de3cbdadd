package results

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

const root = "/home/w"

func parse(lines ...string) ([]Test, *Parser) {
	p := &Parser{Root: root}
	return p.Write([]byte(strings.Join(lines, "\n") + "\n")), p
}

// whole is a run that came to its end, with the tests of ours as they must be.
func whole(lines ...string) []string {
	all := append([]string{`{"e":"begin","program":"unittest","python":"3.11.2","seed":"7"}`}, lines...)
	return append(all, `{"e":"canary","passes":"passed","fails":"failed"}`, `{"e":"done"}`)
}

func TestParserGivesEachTestWithWhatItsRecordSays(t *testing.T) {
	got, p := parse(whole(
		`{"e":"plan","in":"t.A","tests":[".test_a",".test_b"]}`,
		`{"e":"start","id":"t.A.test_a"}`,
		`{"e":"end","o":"passed","d":0.25}`,
		`{"e":"start","id":"t.A.test_b"}`,
		`{"e":"asked","id":"t.A.test_b","kind":"host","name":"api.example"}`,
		`{"e":"end","id":"t.A.test_b","o":"failed","d":1,"why":"AssertionError: 1\n!= 2","tb":"T","out":"O",`+
			`"path":"/home/w/t/a.py","line":3}`,
	)...)
	want := []Test{
		{ID: "t.A.test_a", Outcome: Passed, Duration: 250 * time.Millisecond},
		{
			ID: "t.A.test_b", Outcome: Failed, Duration: time.Second, Reason: "AssertionError: 1 != 2",
			Traceback: "T", Output: "O", Path: "t/a.py", Line: 3, Asked: []Asked{{"host", "api.example"}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	run := p.Run()
	if !run.Begun || !run.Done || run.Python != "3.11.2" {
		t.Errorf("got %+v", run)
	}
	if want := (Summary{Counts: Counts{Passed: 1, Failed: 1}, Seed: "7"}); !reflect.DeepEqual(run.Summary, want) {
		t.Errorf("summary %+v, want %+v", run.Summary, want)
	}
}

func TestParserNamesTheTestThatRanAndThoseNotReached(t *testing.T) {
	_, p := parse(
		`{"e":"begin"}`,
		`{"e":"plan","in":"t.A","tests":[".test_a",".test_b",".test_c"]}`,
		`{"e":"start","id":"t.A.test_a"}`, `{"e":"end","o":"passed","d":0}`,
		`{"e":"start","id":"t.A.test_b"}`,
	)
	run := p.Run()
	if got := run.Summary; run.Done || got.Crashed != "t.A.test_b" || got.NotReached != 1 ||
		got.Unreached[0] != "t.A.test_c" {
		t.Errorf("got %+v", run)
	}
}

func TestParserCountsTestsOfAFixtureThatFailedAsExplained(t *testing.T) {
	tests, p := parse(whole(
		`{"e":"plan","in":"t.A","tests":[".test_a"]}`, `{"e":"plan","in":"t.B","tests":[".test_b"]}`,
		`{"e":"end","id":"t.A.setUpClass","o":"skipped","d":0,"why":"not here"}`,
	)...)
	if got := p.Run().Summary; len(tests) != 1 || got.Skipped != 1 || got.NotReached != 1 ||
		got.Unreached[0] != "t.B.test_b" {
		t.Errorf("got %+v of %+v", got, tests)
	}
}

func TestParserSeesThatTestsOfOursAnsweredWrongly(t *testing.T) {
	for name, c := range map[string]struct {
		lines    []string
		tampered bool
	}{
		"as they must":    {whole(), false},
		"failure hidden":  {[]string{`{"e":"canary","passes":"passed","fails":"passed"}`, `{"e":"done"}`}, true},
		"success spoiled": {[]string{`{"e":"canary","passes":"error","fails":"failed"}`, `{"e":"done"}`}, true},
		"not told of":     {[]string{`{"e":"done"}`}, true},
		"a run cut off":   {[]string{`{"e":"begin"}`}, false},
	} {
		if _, p := parse(c.lines...); p.Run().Summary.Tampered != c.tampered {
			t.Errorf("%s: got %t", name, !c.tampered)
		}
	}
}

func TestParserBoundsWhatItKeeps(t *testing.T) {
	p := &Parser{Root: root}
	big := strings.Repeat("x", 30<<10)
	n := 0
	for i := range 200 {
		for _, test := range p.Write(fmt.Appendf(
			nil, `{"e":"end","id":"t%d","o":"failed","why":%q,"tb":%q}`+"\n", i, big, big,
		)) {
			if n += len(test.Traceback); len(test.Reason) > maxReason+8 || len(test.Traceback) > maxText+8 {
				t.Fatalf("a reason of %d bytes, a traceback of %d", len(test.Reason), len(test.Traceback))
			}
		}
	}
	if n > maxRed || n == 0 {
		t.Errorf("%d bytes of tracebacks", n)
	}
	long := strings.Repeat("y", maxLine+1) + "\n" + `{"e":"end","id":"after","o":"passed"}` + "\n"
	if got := p.Write([]byte(long)); len(got) != 1 {
		t.Errorf("after a line that is too long: %+v", got)
	}
	if len(p.partial) > maxLine {
		t.Error("a long line was kept")
	}
}

// TestParserBoundsTheNamesThatItKeeps: a name of a plan costs the sandbox three bytes.
func TestParserBoundsTheNamesThatItKeeps(t *testing.T) {
	p := &Parser{Root: root}
	names := strings.Repeat(`,""`, 19999)
	plan := fmt.Sprintf(`{"e":"plan","in":%q,"tests":[""%s]}`+"\n", strings.Repeat("x", maxID), names)
	for range 5 {
		p.Write([]byte(plan))
	}
	long := strings.Repeat("y", maxID-20)
	for i := range 2000 {
		p.Write(fmt.Appendf(nil, `{"e":"end","id":"%d%s.setUpClass","o":"skipped"}`+"\n", i, long))
	}
	for i := range maxReached / maxID {
		p.Write(fmt.Appendf(nil, `{"e":"start","id":"%d%s"}`+"\n", i, long))
	}
	kept := map[string]int{}
	for _, id := range p.planned {
		kept["planned"] += len(id)
	}
	for id := range p.reached {
		kept["reached"] += len(id)
	}
	for id := range p.covered {
		kept["covered"] += len(id)
	}
	if n := kept["reached"] + kept["covered"]; n > maxReached || n < maxReached-maxID || kept["covered"] < 1<<20 {
		t.Errorf("%d bytes of names reached, %d of them covered", n, kept["covered"])
	}
	if n := kept["planned"]; n > maxPlanned || n < maxPlanned-2*maxID || p.Planned() != nil {
		t.Errorf("%d bytes of names planned, and the %d of them pass for all", kept["planned"], len(p.Planned()))
	}
}

func TestParserLooksUpWhatAFixtureKeptFromRunningInShortTime(t *testing.T) {
	p := &Parser{Root: root}
	const many = 20_000
	for i := range many {
		p.Write(fmt.Appendf(nil, `{"e":"plan","in":"","tests":["b%d.C.test"]}`+"\n", i))
		p.Write(fmt.Appendf(nil, `{"e":"end","id":"a%d.setUpClass","o":"skipped"}`+"\n", i))
	}
	begun := time.Now()
	if got := p.Run().Summary; got.NotReached != many || got.Skipped != many {
		t.Errorf("got %d not reached, %d skipped", got.NotReached, got.Skipped)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestParserKnowsWhatAFixtureCovers(t *testing.T) {
	p := &Parser{covered: map[string]bool{"pkg.t.A": true, "mod": true}}
	for id, want := range map[string]bool{
		"pkg.t.A.test_a": true, "mod.B.test_b": true, "pkg.t.A.test_c[1.5.2]": true,
		"pkg.t.AB.test_a": false, "pkg.t.A": false, "module.B.test_b": false, "test": false,
		strings.Repeat(".", maxID): false,
	} {
		if got := p.isCovered(id); got != want {
			t.Errorf("%s: got %t", id, got)
		}
	}
}

// FuzzParser checks that the results are the same in whatever pieces the stream comes.
func FuzzParser(f *testing.F) {
	f.Add(strings.Join(whole(`{"e":"start","id":"a"}`, `{"e":"end","o":"passed","d":1e99}`), "\n"), uint(40))
	f.Add("{\"e\":\"end\",\"id\":\"\xff\",\"o\":\"failed\",\"line\":-3}\nnull\n[]\n", uint(3))
	f.Fuzz(func(t *testing.T, stream string, cut uint) {
		var whole, pieces Parser
		at := int(cut % uint(len(stream)+1))
		one := whole.Write([]byte(stream))
		two := append(pieces.Write([]byte(stream[:at])), pieces.Write([]byte(stream[at:]))...)
		if !reflect.DeepEqual(one, two) || !reflect.DeepEqual(whole.Run(), pieces.Run()) {
			t.Errorf("whole: %+v, in pieces: %+v", one, two)
		}
	})
}
