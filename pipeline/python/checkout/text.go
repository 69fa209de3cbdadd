package checkout

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"unicode/utf16"
	"unicode/utf8"
)

// coding is how a Python file, and a requirements file, names its encoding (PEP 263).
var coding = regexp.MustCompile(`^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)`)

// latin1 are names of encodings in which each byte is the code point of that number, or nearly.
var latin1 = regexp.MustCompile(`(?i)^(?:latin-?1|iso-?8859-?15?|l1|windows-1252|cp-?1252)$`)

// Text reads a file as pip does: by its byte order mark, by the encoding that it names in its first
// two lines, else as UTF-8. badLine is the first line that is none of these; 0 where all is well.
func Text(data []byte) (text string, badLine int) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return fromUTF16(data[2:], binary.LittleEndian), 0
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return fromUTF16(data[2:], binary.BigEndian), 0
	}
	lines := bytes.SplitN(data, []byte("\n"), 3)
	for _, line := range lines[:min(2, len(lines))] {
		if m := coding.FindSubmatch(line); m != nil && latin1.Match(m[1]) {
			runes := make([]rune, len(data))
			for i, b := range data {
				runes[i] = rune(b)
			}
			return string(runes), 0
		}
	}
	if line, _, bad := BadUTF8(data); bad {
		return string(data), line
	}
	return string(data), 0
}

func fromUTF16(data []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return string(utf16.Decode(units))
}

// BadUTF8 finds the first byte that is not UTF-8, and its line.
func BadUTF8(data []byte) (line int, b byte, bad bool) {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return 1 + bytes.Count(data[:i], []byte("\n")), data[i], true
		}
		i += n
	}
	return 0, 0, false
}
