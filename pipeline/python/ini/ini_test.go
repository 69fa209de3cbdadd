package ini

import (
	"maps"
	"runtime"
	"strings"
	"testing"
)

func TestParseReadsSectionsOptionsAndContinuations(t *testing.T) {
	const text = "x = before any section\n[a]\nOne = 1\n  more\n\n  # no part of it\n  still: more\ntwo: 2\n[b]\n" +
		"= no name\n  more of no name\nlast =\n [a]\nthree = 3\none = again\nnothing\n"
	got := Parse([]byte(text))
	want := File{"a": {"one": "again", "two": "2", "three": "3"}, "b": {"": "no name", "last": ""}}
	if !maps.EqualFunc(got, want, maps.Equal) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Parse([]byte("[a]\none = 1\n  2\n\n  3\n"))["a"]["one"]; got != "1\n2\n3" {
		t.Errorf("continued: got %q", got)
	}
}

func TestParseTakesMemoryInProportion(t *testing.T) {
	text := []byte("[flake8]\nexclude =\n" + strings.Repeat(" a\n", 100_000))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	file := Parse(text)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; len(file["flake8"]["exclude"]) != 200_000 || took > 64<<20 {
		t.Errorf("%d bytes of a value took %d MiB", len(file["flake8"]["exclude"]), took>>20)
	}
}
