// Package notify decides when people are told what a branch has come to, who is told, and in which
// words: pure decisions, and the forms of the services that take them.
package notify

import "vivarium/pipeline"

// Colour is what a branch has come to.
type Colour string

const (
	None  Colour = "" // not known: nothing of it has ended
	Green Colour = "green"
	Red   Colour = "red"
)

// ColourOf is what the end of a build makes of its branch; None: nothing. One that was canceled says
// nothing about the commit.
func ColourOf(s pipeline.State) Colour {
	switch s {
	case pipeline.Passed:
		return Green
	case pipeline.Failed, pipeline.Errored:
		return Red
	}
	return None
}

// Turned reports whether people are told of a build's end: a branch has turned red, or green again.
// One that begins green is as it should be.
func Turned(before, after Colour) bool {
	return after != None && after != before && (before != None || after == Red)
}
