// Package sentence fits into one line of 140 characters why a build is red, with what matters first.
package sentence

import (
	"path"
	"strings"
	"unicode/utf8"
)

// Max is how many characters a sentence has at most: GitHub refuses a status whose description has
// more.
const Max = 140

// Cut cuts text to at most max characters, at a word where there is one.
func Cut(text string, max int) string {
	if utf8.RuneCountInString(text) <= max {
		return text
	}
	cut := string([]rune(text)[:max-1])
	if i := strings.LastIndexByte(cut, ' '); i > len(cut)/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;:(") + "…"
}

// Sentence is a sentence in its parts, so that a long one loses what matters least.
type Sentence struct {
	Subject string // what it is about, such as a test's name or a file and line; may be empty
	Text    string // what is wrong with it
	Place   string // where that stands, as PATH:LINE; empty where the subject says it
	More    string // what else is wrong, such as "and 2 more of 120"; may be empty
}

// String is the sentence in at most Max characters. Where it is too long, folders of the place go
// first, then the text is cut down to half a line, then the place and the beginning of the subject
// go.
func (s Sentence) String() string {
	for _, place := range []string{s.Place, path.Base(s.Place)} {
		if s.Place == "" {
			place = ""
		}
		if line := s.with(s.Subject, s.Text, place); utf8.RuneCountInString(line) <= Max {
			return line
		}
	}
	if line, ok := s.shortened(s.Subject, place(s.Place)); ok {
		return line
	}
	line, _ := s.shortened(tail(s.Subject, Max/2), "")
	return Cut(line, Max)
}

// place is a place without its folders.
func place(p string) string {
	if p == "" {
		return ""
	}
	return path.Base(p)
}

// fewest is how much of a text is left at least, in characters, before other parts give way.
const fewest = Max / 3

// shortened is the sentence with its text cut to the room there is; false where that is too little.
func (s Sentence) shortened(subject, place string) (string, bool) {
	room := Max - utf8.RuneCountInString(s.with(subject, "", place))
	if room < fewest && room < utf8.RuneCountInString(s.Text) {
		return s.with(subject, Cut(s.Text, fewest), place), false
	}
	return s.with(subject, Cut(s.Text, room), place), true
}

func (s Sentence) with(subject, text, place string) string {
	if subject != "" {
		subject += ": "
	}
	if place != "" {
		place = " (" + place + ")"
	}
	more := s.More
	if more != "" {
		more = ", " + more
	}
	return subject + text + place + more
}

// tail is the end of a name that is too long, from one of its parts on: the last parts tell the
// most.
func tail(name string, max int) string {
	all := []rune(name)
	if len(all) <= max {
		return name
	}
	end := string(all[len(all)-max+1:])
	if i := strings.IndexAny(end, "./:"); i >= 0 && i < len(end)/2 {
		end = strings.TrimLeft(end[i:], "./:")
	}
	return "…" + end
}
