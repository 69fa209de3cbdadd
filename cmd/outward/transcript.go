package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// transcript is what was seen, a file for each act.
type transcript struct {
	dir   string
	names []name // longest text first
}

// name stands for a text that differs from run to run.
type name struct{ text, name string }

func newTranscript(dir string) *transcript { return &transcript{dir: dir} }

// alike has every text stand as the same name in each run.
func (t *transcript) alike(as string, texts ...string) {
	for _, text := range texts {
		t.names = append(t.names, name{text, as})
	}
	slices.SortStableFunc(t.names, func(a, b name) int { return len(b.text) - len(a.text) })
}

// commit names a commit, however short it is written.
func (t *transcript) commit(as, sha string) {
	for _, n := range []int{40, 12, 10, 8, 7} {
		t.alike("<commit "+as+">", sha[:n])
	}
}

// write keeps the text of an act; its file's name is made of the act.
func (t *transcript) write(act, text string) error {
	file := strings.Trim(regexp.MustCompile(`[^A-Za-z0-9.=-]+`).ReplaceAllString(act, "_"), "_")
	path := filepath.Join(t.dir, file+".txt")
	for n := 2; ; n++ { // acts that differ in a sign alone have one name
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			break
		}
		path = filepath.Join(t.dir, fmt.Sprintf("%s_%d.txt", file, n))
	}
	return os.WriteFile(path, []byte(act+"\n\n"+t.normal(text)+"\n"), 0o644)
}

// normal makes alike what differs from run to run of one version.
func (t *transcript) normal(text string) string {
	text = joinPieces(text)
	for _, n := range t.names {
		text = strings.ReplaceAll(text, n.text, n.name)
	}
	for _, p := range patterns {
		text = p.seen.ReplaceAllString(text, p.as)
	}
	return text
}

// patterns are figures that are measured or drawn, each with what stands in its place.
var patterns = func() (list []struct {
	seen *regexp.Regexp
	as   string
}) {
	for _, p := range [][2]string{
		{`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?`, "<time>"},
		{`(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} [\d:]{8} GMT`, "<time>"},
		{`\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d+ \d\d:\d\d(:\d\d)?( UTC)?`, "<time>"},
		{`("(?:time_started|time_ended|queued_at|started_at|ended_at|sent_at|since|time|pushed_at)": ?)[\d.]+`, "$1<time>"},
		{`("(?:cpu_seconds|peak_memory|time_seconds)": ?)[\d.]+`, "$1<figure>"},
		{`\b\d+(\.\d+)? ?(ms|s|min|h)( \d+(\.\d+)? ?(s|min))?\b`, "<duration>"},
		{`\b\d+(\.\d+)?s\b`, "<duration>"},
		{`\b\d+(\.\d+)? ?(GiB|MiB|KiB|GB|MB|kB|bytes)\b`, "<size>"},
		{`\bviv_[A-Za-z0-9_-]+`, "<token>"},
		{`sha256:[0-9a-f]{12,64}`, "<image>"},
		{`\bvivarium=[A-Za-z0-9_=-]{60,}`, "vivarium=<cookie>"},
		{`(Secret +)[A-Za-z0-9_-]{43}`, "$1<secret>"},
		{`erased:[0-9a-f]{16}`, "erased:<pseudonym>"},
		{`(<(?:duration|time|size)>) +`, "$1 "}, // columns are as wide as what stands in them
		{`/tmp/[A-Za-z0-9._/-]*\d{5,}[A-Za-z0-9._/-]*`, "<file>"},
		{`127\.0\.0\.1:\d+`, "<address>"},
		{`\b[0-9a-f]{64}\b`, "<secret>"},
		{`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`, "<guid>"},
	} {
		list = append(list, struct {
			seen *regexp.Regexp
			as   string
		}{regexp.MustCompile(p[0]), p[1]})
	}
	return list
}()

// headers writes headers in the order of their names, without those that say how long the body is.
func headers(h http.Header) string {
	var lines []string
	for name, values := range h {
		if name == "Content-Length" || name == "Date" {
			continue
		}
		for _, v := range values {
			lines = append(lines, name+": "+v)
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}
