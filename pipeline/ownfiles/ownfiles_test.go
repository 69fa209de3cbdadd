package ownfiles

import (
	"slices"
	"strings"
	"testing"
)

func TestChunksHoldAllPathsInTheirOrder(t *testing.T) {
	var paths []string
	for range 100 {
		paths = append(paths, strings.Repeat("p", 4000))
	}
	paths[50] = strings.Repeat("q", 2*maxNames) // one that is too long by itself goes alone
	chunks := Chunks(paths)
	if !slices.Equal(slices.Concat(chunks...), paths) {
		t.Error("a path is lost")
	}
	for i, c := range chunks {
		if len(strings.Join(c, "")) > maxNames && len(c) > 1 {
			t.Errorf("chunk %d is %d bytes long", i, len(strings.Join(c, "")))
		}
	}
	if len(chunks) < 7 || len(chunks) > 9 || len(Chunks(nil)) > 0 {
		t.Errorf("%d chunks", len(chunks))
	}
}

func TestRemovalsNameEachPathAsOneOfTheFolder(t *testing.T) {
	all := Removals("/w", []string{"-rf", "a b", "c\nd"})
	if len(all) != 1 || all[0].Dir != "/w" || all[0].Shown != "rm -rf -rf and 2 more" {
		t.Fatalf("got %+v", all)
	}
	if got := all[0].Argv[4:]; !slices.Equal(got, []string{"./-rf", "./a b", "./c\nd"}) {
		t.Errorf("the arguments are %q", got)
	}
}
