package logpage

import (
	"bytes"
	"strings"

	"vivarium/pipeline"
	"vivarium/server/logtext"
	"vivarium/server/store/buildlog"
	"vivarium/server/web"
)

// part is a piece of a page's log and where it belongs.
type part struct {
	web.Piece
	attempt int
	step    pipeline.StepName
	cost    int // bytes of the page
}

// reader makes parts of chunks, until the page is full.
type reader struct {
	text *logtext.Decoder
	from int64 // the first line that is wanted
	line int64 // the line that must be on the page; 0 for none

	parts []part
	size  int
	last  int64 // the last line that has an address
}

// add takes the next chunk. It is false where not all of it fits.
func (r *reader) add(c buildlog.Chunk) bool {
	if c.Omitted > 0 {
		return r.put(c, c.Line+2, web.Piece{Stream: "gap", Text: "\n" + Gap(c.Omitted) + "\n"})
	}
	if c.Line < 0 {
		return r.put(c, 0, web.Piece{Stream: string(c.Stream), Text: r.text.Text(c)})
	}
	number := c.Line + 1
	for line := range bytes.Lines(c.Data) {
		one := c
		one.Data = line
		if !r.put(c, number, web.Piece{Stream: string(c.Stream), Text: r.text.Text(one)}) {
			return false
		}
		number++
	}
	return true
}

// put appends a piece of a line, which has no number where that is not known. The first piece of a
// line gets the line's address.
func (r *reader) put(c buildlog.Chunk, number int64, p web.Piece) bool {
	if number < r.from {
		return true
	}
	if number > r.last {
		r.last, p.Line = number, number
	}
	full := false
	if room := most - r.size; cost(p) > room {
		// Each of five bytes that a character may take on the page can be needed.
		p.Text = strings.ToValidUTF8(p.Text[:min(len(p.Text), max(room-markup, 0)/5)], "")
		full = true
	}
	if p.Text != "" || p.Line > 0 {
		r.parts = append(r.parts, part{p, c.Attempt, c.Step, cost(p)})
		r.size += cost(p)
	}
	r.dropBefore(number)
	return !full || number < r.line
}

// dropBefore makes room for the line that must be on the page.
func (r *reader) dropBefore(number int64) {
	for number < r.line && r.size > mostBefore && len(r.parts) > 0 {
		r.size -= r.parts[0].cost
		r.parts = r.parts[1:]
	}
}

// markup is about what stands around a piece on the page.
const markup = 48

// cost is how many bytes of the page a piece takes at most.
func cost(p web.Piece) int {
	escaped := 0
	for i := range len(p.Text) {
		switch p.Text[i] {
		case '"', '&', '\'', '+', '<', '>':
			escaped += 4
		}
	}
	return markup + len(p.Text) + escaped
}

// sections are parts by attempt and step.
func sections(parts []part) []web.Section {
	var list []web.Section
	for _, p := range parts {
		if n := len(list); n == 0 || list[n-1].Attempt != p.attempt || list[n-1].Step != p.step {
			list = append(list, web.Section{Attempt: p.attempt, Step: p.step})
		}
		last := &list[len(list)-1]
		last.Pieces = append(last.Pieces, p.Piece)
	}
	return list
}
