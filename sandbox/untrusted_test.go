package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"vivarium/sandbox/wire"
)

func TestLaterEnvironmentWins(t *testing.T) {
	got := mergeEnv([]string{"A=1", "AB=2", "C=3"}, []string{"A=x", "D=", "D=4"})
	if want := []string{"AB=2", "C=3", "A=x", "D=4"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestImplausibleResultsAreRefused(t *testing.T) {
	for name, r := range map[string]wire.Result{
		"exit code": {ExitCode: 256},
		"wall":      {Wall: -1},
		"signal":    {Signal: "SIGKILL\x1b[2J"},
		"disk":      {DiskFull: "/etc"},
		"inodes":    {InodesFull: true},
	} {
		if plausible(&r) {
			t.Errorf("%s: %+v was taken", name, r)
		}
	}
	if !plausible(&wire.Result{ExitCode: 1, Signal: "SIGRTMIN+1", DiskFull: Tmp}) {
		t.Error("a plausible result was refused")
	}
}

// survey is what a PID 1 sends that may be hostile.
func survey(t *testing.T, q SurveyQuery, send func(w *wire.Writer)) (Survey, error) {
	t.Helper()
	var b bytes.Buffer
	send(wire.NewWriter(&b))
	r := surveyReader{query: q, in: wire.NewReader(&b), files: make(map[string]File)}
	err := r.read()
	return r.survey, err
}

func TestSurveyHoldsPID1ToTheQuery(t *testing.T) {
	q := SurveyQuery{MaxFiles: 2}
	file := func(path string) wire.File { return wire.File{Path: []byte(path), Size: 3} }
	for name, files := range map[string][]wire.File{
		"too many files": {file("a"), file("b"), file("c")},
		"the same twice": {file("a"), file("a")},
		"outside":        {file("../a")},
		"absolute":       {file("/a")},
		"negative":       {{Path: []byte("a"), Size: -1}},
		"long path":      {file(strings.Repeat("a", 5000))},
	} {
		got, err := survey(t, q, func(w *wire.Writer) { header(t, w, wire.Reply{Survey: &wire.Entries{Files: files}}) })
		if !errors.Is(err, errProtocol) {
			t.Errorf("%s: got %+v, %v; want it refused", name, got, err)
		}
	}
	got, err := survey(t, q, func(w *wire.Writer) {
		header(t, w, wire.Reply{Survey: &wire.Entries{Files: []wire.File{file("a.toml"), file("caf\xe9")}}})
		header(t, w, wire.Reply{})
	})
	if err != nil || len(got.Files) != 2 {
		t.Errorf("a proper survey: got %+v, %v", got, err)
	}
}

func header(t *testing.T, w *wire.Writer, r wire.Reply) {
	t.Helper()
	if err := w.Header(r); err != nil {
		t.Fatal(err)
	}
}

func TestReadHoldsPID1ToTheQuery(t *testing.T) {
	q := ReadQuery{Paths: []string{"a.toml", "b.toml"}, MaxBytes: 4, MaxTotal: 5}
	type sent struct {
		path string
		size int64
		data []string
	}
	read := func(all ...sent) (map[string][]byte, error) {
		var b bytes.Buffer
		w := wire.NewWriter(&b)
		for _, c := range all {
			header(t, w, wire.Reply{Content: &wire.Content{Path: []byte(c.path), Size: c.size}})
			for _, d := range c.data {
				if err := w.Data(wire.KindData, append(make([]byte, wire.HeadSize), d...)); err != nil {
					t.Fatal(err)
				}
			}
		}
		header(t, w, wire.Reply{})
		r := newContentsReader(q, wire.NewReader(&b))
		err := r.read()
		return r.contents, err
	}
	for name, all := range map[string][]sent{
		"what was not asked for": {{"x.toml", 1, []string{"x"}}},
		"the same twice":         {{"a.toml", 1, []string{"x"}}, {"a.toml", 1, []string{"x"}}},
		"negative":               {{"a.toml", -1, nil}},
		"large":                  {{"a.toml", 5, []string{"abcde"}}},
		"large in all":           {{"a.toml", 3, []string{"abc"}}, {"b.toml", 3, []string{"abc"}}},
		"more than said":         {{"a.toml", 3, []string{"abcd"}}},
		"less than said":         {{"a.toml", 3, []string{"ab"}}},
	} {
		if got, err := read(all...); !errors.Is(err, errProtocol) {
			t.Errorf("%s: got %q, %v; want it refused", name, got, err)
		}
	}
	got, err := read(sent{"a.toml", 3, []string{"a", "bc"}}, sent{"b.toml", 0, nil})
	if err != nil || len(got) != 2 || string(got["a.toml"]) != "abc" {
		t.Errorf("proper contents: got %q, %v", got, err)
	}
}

func TestSurveyOfLongNamesEnds(t *testing.T) {
	const each = 2 * 4000 // a path and a link
	batch := func(n int) wire.Entries {
		var e wire.Entries
		for i := range 50 {
			path := fmt.Sprintf("%s/%d", strings.Repeat("a", 3990), n*50+i)
			e.Files = append(e.Files, wire.File{Path: []byte(path), Link: []byte(strings.Repeat("b", each-len(path)))})
		}
		return e
	}
	for batches, truncated := range map[int]bool{10: false, 400: true} {
		got, err := survey(t, SurveyQuery{MaxFiles: 500_000}, func(w *wire.Writer) {
			for n := range batches {
				if err := w.Header(wire.Reply{Survey: new(batch(n))}); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Header(wire.Reply{}); err != nil {
				t.Fatal(err)
			}
		})
		if names := len(got.Files) * each; err != nil || got.Truncated != truncated || names > maxNames+50*each {
			t.Errorf("%d replies: got %d MiB of names, truncated %t, %v", batches, names>>20, got.Truncated, err)
		}
	}
}

func TestStaleIsWhatNobodyNeeds(t *testing.T) {
	now := time.Now()
	at := func(d time.Duration) map[string]string {
		return map[string]string{LabelDeadline: now.Add(d).UTC().Format(time.RFC3339)}
	}
	for _, c := range []struct {
		name string
		in   container.Summary
		want bool
	}{
		{"just created", container.Summary{State: "created", Created: now.Unix(), Labels: at(time.Hour)}, false},
		{
			"created and left",
			container.Summary{State: "created", Created: now.Add(-2 * time.Minute).Unix(), Labels: at(time.Hour)},
			true,
		},
		{"running", container.Summary{State: "running", Labels: at(time.Hour)}, false},
		{"ending by itself", container.Summary{State: "running", Labels: at(-10 * time.Second)}, false},
		{"past its deadline", container.Summary{State: "running", Labels: at(-2 * time.Minute)}, true},
		{"without a deadline", container.Summary{State: "running"}, false},
	} {
		if got := stale(c.in, now); got != c.want {
			t.Errorf("%s: got %t, want %t", c.name, got, c.want)
		}
	}
}
