package source

import "strings"

// line is one logical line of a Python file: joined where brackets or a backslash join physical
// lines, without comments, and with every string literal emptied.
type line struct {
	indent int // columns before the text; a tab leads to the next multiple of 8, as for Python
	text   string
}

// scanner cuts a file into logical lines. It never fails: what no Python could read gives lines
// that mean nothing.
type scanner struct {
	src   string
	at    int
	depth int // of open brackets
	text  strings.Builder
	lines []line
}

func logicalLines(src string) []line {
	s := scanner{src: src}
	indent := s.indentation()
	end := func() {
		if text := strings.TrimSpace(s.text.String()); text != "" {
			s.lines = append(s.lines, line{indent: indent, text: text})
		}
		s.text.Reset()
	}
	for s.at < len(s.src) {
		switch c := s.src[s.at]; {
		case c == '#':
			s.skipComment()
		case c == '\'' || c == '"':
			s.skipString(c)
		case c == '\\':
			s.join()
		case c == '\n' && s.depth == 0:
			s.at++
			end()
			indent = s.indentation()
		default:
			s.take(c)
		}
	}
	end()
	return s.lines
}

// indentation passes over the white space at the beginning of a line.
func (s *scanner) indentation() int {
	columns := 0
	for ; s.at < len(s.src); s.at++ {
		switch s.src[s.at] {
		case ' ':
			columns++
		case '\t':
			columns += 8 - columns%8
		case '\f':
			columns = 0
		default:
			return columns
		}
	}
	return columns
}

func (s *scanner) take(c byte) {
	switch c {
	case '(', '[', '{':
		s.depth++
	case ')', ']', '}':
		s.depth = max(0, s.depth-1)
	case '\n', '\r', '\t':
		c = ' '
	}
	s.text.WriteByte(c)
	s.at++
}

func (s *scanner) skipComment() {
	if i := strings.IndexByte(s.src[s.at:], '\n'); i >= 0 {
		s.at += i
		return
	}
	s.at = len(s.src)
}

// join passes over a backslash and the end of the line after it.
func (s *scanner) join() {
	rest := s.src[s.at+1:]
	switch {
	case strings.HasPrefix(rest, "\r\n"):
		s.at += 3
	case strings.HasPrefix(rest, "\n"):
		s.at += 2
	default:
		s.at++
	}
	s.text.WriteByte(' ')
}

// skipString passes over a string literal and leaves its quotes. A literal of one line ends at the
// line's end at the latest. Raw strings need no care of their own: there, too, a backslash keeps
// the quote after it from ending the literal.
func (s *scanner) skipString(quote byte) {
	end := string(quote)
	if triple := strings.Repeat(end, 3); strings.HasPrefix(s.src[s.at:], triple) {
		end = triple
	}
	s.text.WriteString(`""`)
	for s.at += len(end); s.at < len(s.src); s.at++ {
		switch {
		case s.src[s.at] == '\\':
			s.at++
		case s.src[s.at] == '\n' && len(end) == 1:
			return
		case strings.HasPrefix(s.src[s.at:], end):
			s.at += len(end)
			return
		}
	}
}
