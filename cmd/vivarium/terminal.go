package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"vivarium/pipeline/termtext"

	"golang.org/x/term"
)

// terminal says how to write to an output of the program.
type terminal struct {
	interactive bool // a person watches: lines may be redrawn
	colour      bool
}

// terminalOf looks at w and the environment. A pipe gets plain text; with NO_COLOR (no-color.org)
// or a dumb terminal there are no colours.
func terminalOf(w io.Writer, environ []string) terminal {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || slices.Contains(environ, "TERM=dumb") {
		return terminal{}
	}
	noColour := func(e string) bool { return strings.HasPrefix(e, "NO_COLOR=") && e != "NO_COLOR=" }
	return terminal{interactive: true, colour: !slices.ContainsFunc(environ, noColour)}
}

// Colours of our own lines.
const (
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
)

func (t terminal) dye(colour, s string) string {
	if !t.colour || s == "" {
		return s
	}
	return colour + s + termtext.Reset
}

// oneLine shows a stranger's words within one line of ours.
func oneLine(s string) string { return termtext.OneLine(s) }
