package console

import (
	"io"
	"os"
	"slices"
	"strings"

	"vivarium/pipeline/termtext"

	"golang.org/x/term"
)

// Terminal says how to write to an output of the program.
type Terminal struct {
	Interactive bool // a person watches: lines may be redrawn
	Colour      bool
}

// TerminalOf looks at w and the environment. A pipe gets plain text; with NO_COLOR (no-color.org)
// or a dumb terminal there are no colours.
func TerminalOf(w io.Writer, environ []string) Terminal {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || slices.Contains(environ, "TERM=dumb") {
		return Terminal{}
	}
	noColour := func(e string) bool { return strings.HasPrefix(e, "NO_COLOR=") && e != "NO_COLOR=" }
	return Terminal{Interactive: true, Colour: !slices.ContainsFunc(environ, noColour)}
}

// Colours of our own lines.
const (
	Bold   = "\x1b[1m"
	Dim    = "\x1b[2m"
	Red    = "\x1b[31m"
	Green  = "\x1b[32m"
	Yellow = "\x1b[33m"
)

// Dye is s in a colour, which may be several together, where the terminal shows them.
func (t Terminal) Dye(colour, s string) string {
	if !t.Colour || s == "" {
		return s
	}
	return colour + s + termtext.Reset
}
