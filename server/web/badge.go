package web

import (
	"cmp"
	"fmt"

	"vivarium/pipeline"
)

// badgeColours are those of the light pages, dark enough for white letters (WCAG's 4.5 to 1).
var badgeColours = map[pipeline.State]string{
	pipeline.Passed:  "#0f6b3c",
	pipeline.Failed:  "#b3261e",
	pipeline.Errored: "#8a4b00",
	pipeline.Running: "#0b5f8a",
}

const (
	badgeLabel     = "vivarium"
	badgeOther     = "#55625c" // of other states
	badgeLetter    = 6         // width of a letter; the text is stretched to the width that results, whatever the font
	badgeMargin    = 7
	badgeLabelText = len(badgeLabel) * badgeLetter
)

// Badge is a picture (SVG) of a state, for a README.
func Badge(s pipeline.State) []byte { return badge(string(s), cmp.Or(badgeColours[s], badgeOther)) }

// NoBadge is that of a branch that has no build, or none that may be seen.
func NoBadge() []byte { return badge("no build yet", badgeOther) }

// badge is a picture of a text, which never comes from users.
func badge(s, colour string) []byte {
	text := len(s) * badgeLetter
	left, right := badgeLabelText+2*badgeMargin, text+2*badgeMargin
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="20" role="img" `+
		`aria-label="%[2]s: %[3]s">`+
		`<title>%[2]s: %[3]s</title>`+
		`<rect width="%[1]d" height="20" rx="3" fill="#35403b"/>`+
		`<rect x="%[4]d" width="%[5]d" height="20" rx="3" fill="%[6]s"/>`+
		`<rect x="%[4]d" width="4" height="20" fill="%[6]s"/>`+
		`<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">`+
		`<text x="%[7]d" y="14" textLength="%[8]d" lengthAdjust="spacingAndGlyphs">%[2]s</text>`+
		`<text x="%[9]d" y="14" textLength="%[10]d" lengthAdjust="spacingAndGlyphs">%[3]s</text></g></svg>`+"\n",
		left+right, badgeLabel, s, left, right, colour, badgeMargin, badgeLabelText, left+badgeMargin, text)
}
