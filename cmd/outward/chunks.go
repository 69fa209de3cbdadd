package main

import (
	"encoding/json"
	"regexp"
	"strings"
)

// numbers count the pieces of a log.
var numbers = regexp.MustCompile(`(?m)("seq":|data-after="|^id: )\d+`)

// joinPieces has a log in as few pieces as can be: where it is cut is a matter of moments. It takes
// pages and server-sent events.
func joinPieces(text string) string {
	text = numbers.ReplaceAllString(text, "${1}0")
	for _, class := range []string{"stdout", "stderr", "system"} {
		same := regexp.MustCompile(`(<span class="` + class + `">[^<]*)</span><span class="` + class + `">`)
		for joined := ""; joined != text; {
			joined = text
			text = same.ReplaceAllString(text, "$1")
		}
	}
	return joinEvents(text)
}

// piece is a chunk as an event tells it.
type piece struct {
	Step, Stream, Text string
}

const chunkEvent = "id: 0\nevent: chunk\ndata: "

// joinEvents makes one event of those that follow each other with pieces of one stream.
func joinEvents(text string) string {
	var out []string
	var last *piece
	end := func() {
		if last != nil {
			out = append(out, "event: chunk\n["+last.Step+", "+last.Stream+"]\n"+last.Text)
		}
		last = nil
	}
	for _, event := range strings.Split(text, "\n\n") {
		data, ok := strings.CutPrefix(event, chunkEvent)
		var p piece
		switch {
		case !ok || json.Unmarshal([]byte(data), &p) != nil:
			end()
			out = append(out, event)
		case last != nil && last.Step == p.Step && last.Stream == p.Stream:
			last.Text += p.Text
		default:
			end()
			last = &p
		}
	}
	end()
	return strings.Join(out, "\n\n")
}
