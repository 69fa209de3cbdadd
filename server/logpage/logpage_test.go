package logpage

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/store/buildlog"
	"vivarium/server/store/database"
	"vivarium/server/web"
)

// fakeLogs is a log in memory, whose chunks know their lines.
type fakeLogs []buildlog.Chunk

func (l fakeLogs) Chunks(_ context.Context, _, after int64, _ int) ([]buildlog.Chunk, error) {
	if after >= int64(len(l)) {
		return nil, nil
	}
	return l[after : after+1], nil
}

func (l fakeLogs) BeforeLine(_ context.Context, _, line int64) (int64, error) {
	after := int64(0)
	for _, c := range l {
		if c.Line >= 0 && c.Line < line-1 {
			after = c.Seq - 1
		}
	}
	if last := l[len(l)-1]; line > last.Line+last.Lines()+1 {
		return 0, database.ErrNotFound
	}
	return after, nil
}

// logOf makes a log of chunks; an empty one is a gap.
func logOf(texts ...string) (l fakeLogs) {
	line := int64(0)
	for i, text := range texts {
		c := buildlog.Chunk{
			Seq: int64(i + 1), Attempt: 1, Step: pipeline.StepTest, Stream: pipeline.Stdout, Data: []byte(text), Line: line,
		}
		if text == "" {
			c.Omitted = 1 << 20
		}
		line += c.Lines()
		l = append(l, c)
	}
	return l
}

// lines are the numbered lines of a page's log.
func lines(t *testing.T, list []web.Section) map[int64]string {
	t.Helper()
	found := map[int64]string{}
	last := int64(0)
	for _, s := range list {
		for _, p := range s.Pieces {
			if p.Line > 0 {
				if p.Line <= last {
					t.Errorf("line %d comes after line %d", p.Line, last)
				}
				last = p.Line
			}
			found[last] += p.Text
		}
	}
	return found
}

// rendered is how large the page is.
func rendered(t *testing.T, p web.Build) int {
	t.Helper()
	page, err := web.NewSite("").Render(p, web.Visitor{})
	if err != nil {
		t.Fatal(err)
	}
	return len(page)
}

func TestHeadNumbersEveryLine(t *testing.T) {
	var p web.Build
	l := logOf("one\ntw", "o\n\nfour\n", "", "after\r\nlast")
	if err := Head(t.Context(), l, &p); err != nil || p.Cut || p.After != 4 {
		t.Fatalf("%v, %+v", err, p)
	}
	want := map[int64]string{1: "one\n", 2: "two\n", 3: "\n", 4: "four\n", 7: "after\n", 8: "last"}
	got := lines(t, p.Log)
	for number, text := range want {
		if got[number] != text {
			t.Errorf("line %d is %q, want %q", number, got[number], text)
		}
	}
	if !strings.Contains(got[6], "left out here") {
		t.Errorf("line 6 is %q", got[6])
	}
}

func TestLogWhoseLinesAreNotCountedHasNoNumbers(t *testing.T) {
	var p web.Build
	l := logOf("one\ntwo\n")
	l[0].Line = -1
	if err := Head(t.Context(), l, &p); err != nil {
		t.Fatal(err)
	}
	if got := lines(t, p.Log); len(got) != 1 || got[0] != "one\ntwo\n" {
		t.Errorf("got %v", got)
	}
}

func TestPageStaysSmallWhateverIsLogged(t *testing.T) {
	for name, text := range map[string]string{
		"lines":      strings.Repeat("tests.test_many.Many.test_1 ... ok\n", 1900),
		"line ends":  strings.Repeat("\n", 64<<10),
		"one line":   strings.Repeat("x", 64<<10),
		"quotes":     strings.Repeat(`"+<'`, 16<<10),
		"characters": strings.Repeat("größe\n", 9000),
	} {
		t.Run(name, func(t *testing.T) {
			l := logOf(text, text, text)
			var p web.Build
			if err := Head(t.Context(), l, &p); err != nil {
				t.Fatal(err)
			}
			if !p.Cut || len(p.Rest) == 0 {
				t.Errorf("control: cut: %v; %d sections for who has no script", p.Cut, len(p.Rest))
			}
			if size := rendered(t, p); size > most+8<<10 || size < most/5 {
				t.Errorf("the page has %d bytes", size)
			}
			// The same around a line in the middle.
			middle := l[1].Line + 1
			if l[1].Lines() > 100 {
				middle += 50
			}
			p = web.Build{}
			if err := Around(t.Context(), l, &p, middle); err != nil {
				t.Fatal(err)
			}
			if size := rendered(t, p); size > most+mostBefore+8<<10 {
				t.Errorf("the page around line %d has %d bytes", middle, size)
			}
			if _, there := lines(t, p.Log)[middle]; !there {
				t.Errorf("line %d is not on the page around it", middle)
			}
		})
	}
}

func TestHeadGoesOnAfterWholeChunks(t *testing.T) {
	chunk := strings.Repeat("a line of some output\n", 400)
	l := logOf(chunk, chunk, chunk, chunk, chunk, chunk, chunk, chunk)
	var p web.Build
	if err := Head(t.Context(), l, &p); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	for _, s := range p.Log {
		for _, piece := range s.Pieces {
			log.WriteString(piece.Text)
		}
	}
	if p.After < 1 || p.After > 7 || log.String() != strings.Repeat(chunk, int(p.After)) {
		t.Errorf("the page holds %d bytes, and says that it holds %d chunks of %d", log.Len(), p.After, len(chunk))
	}
}

func TestPageAroundALineShowsWhatStandsThere(t *testing.T) {
	var texts []string
	for i := range 50 {
		text := ""
		for j := range 100 {
			text += fmt.Sprintf("line %d\n", i*100+j+1)
		}
		texts = append(texts, text)
	}
	for _, line := range []int64{1, 2, 99, 100, 101, 2500, 4999, 5000} {
		var p web.Build
		if err := Around(t.Context(), logOf(texts...), &p, line); err != nil {
			t.Fatal(err)
		}
		got := lines(t, p.Log)
		for n := max(line-before, 1); n <= min(line+100, 5000); n++ {
			if want := fmt.Sprintf("line %d\n", n); got[n] != want {
				t.Errorf("around %d: line %d is %q", line, n, got[n])
			}
		}
		if _, there := got[line-before-1]; there {
			t.Errorf("around %d: line %d is there, too", line, line-before-1)
		}
	}
	if err := Around(t.Context(), logOf(texts...), &web.Build{}, 6000); err == nil {
		t.Error("a line that is not there is found")
	}
}
