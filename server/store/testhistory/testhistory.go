// Package testhistory says of the failing tests of a build since which build each fails, and which of
// them passed for the same commit.
package testhistory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"vivarium/server/store/testruns"
)

// Key names a test, or a subtest of it.
type Key struct{ Test, Sub string }

// KeyOf names a result's test.
func KeyOf(r testruns.Result) Key { return Key{r.ID, r.Sub} }

// History is what earlier builds say of a failing test.
type History struct {
	// Since is the first build of the unbroken run of builds of the branch in which the test failed, in
	// the order of their pushes; 0 where that is this build, or it is not known.
	Since int64
	// New says that the test did not fail in the build before.
	New bool
	// Passed is a build of the same commit in which the test passed; 0 for none.
	Passed int64
	// Flaky says that this other build also ran with the same image and packages: nothing that is
	// known tells the two apart.
	Flaky bool
}

// String is the history in a few words, or empty.
func (h History) String() string {
	text := ""
	switch {
	case h.Since != 0:
		text = fmt.Sprintf("failing since build %d", h.Since)
	case h.New:
		text = "new in this build"
	}
	if h.Passed == 0 {
		return text
	}
	if text != "" {
		text += "; "
	}
	if h.Flaky {
		return text + fmt.Sprintf("flaky: it passed in build %d of the same commit", h.Passed)
	}
	return text + fmt.Sprintf("it passed in build %d of the same commit, which ran with something else", h.Passed)
}

// Sentence is String as a sentence of its own, or empty.
func (h History) Sentence() string {
	text := h.String()
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// ran is a build of the branch that ran its tests, and which of them failed.
type ran struct {
	ID       int64
	PushedAt int64 // of the push that it belongs to
	Failed   map[Key]bool
	// Unsure says that a test that is not among Failed may have failed, or may not have been reached.
	Unsure bool
}

// inOrder sorts builds by the pushes that they belong to, and those of one push as they came.
func inOrder(builds []ran) {
	slices.SortFunc(builds, func(a, b ran) int {
		return cmp.Or(cmp.Compare(a.PushedAt, b.PushedAt), cmp.Compare(a.ID, b.ID))
	})
}

// since finds the run of builds, up to the last, in which a test failed. Builds that are not sure of
// it neither belong to the run nor break it.
func since(builds []ran, test Key) (first int64, isNew bool) {
	last := len(builds) - 1
	for i := last - 1; i >= 0; i-- {
		switch {
		case builds[i].Failed[test]:
			first = builds[i].ID
		case !builds[i].Unsure:
			return first, first == 0
		}
	}
	return first, false
}
