package sandbox

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"vivarium/sandbox/wire"
)

// FuzzSurvey: no sandbox can report more than was asked for, or a name that leads out of the
// directory.
func FuzzSurvey(f *testing.F) {
	f.Add(frames(f, wire.Reply{Survey: &wire.Entries{Files: []wire.File{{Path: []byte("setup.py"), Size: 3}}}}))
	f.Add(frames(f, wire.Reply{Survey: &wire.Entries{
		Truncated: true, Files: []wire.File{{Path: []byte("../x"), Link: []byte("/etc")}},
	}}))
	query := SurveyQuery{MaxFiles: 3}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := surveyReader{query: query, in: wire.NewReader(bytes.NewReader(in)), files: map[string]File{}}
		_ = r.read() // most inputs are no surveys
		if len(r.survey.Files) > query.MaxFiles {
			t.Errorf("%d files were taken", len(r.survey.Files))
		}
		for _, file := range r.survey.Files {
			if file.Path == "" || strings.HasPrefix(file.Path, "/") || strings.Contains("/"+file.Path+"/", "/../") ||
				file.Size < 0 {
				t.Errorf("%+v was taken", file)
			}
		}
	})
}

// FuzzRead: no sandbox can send more than was asked for, or another file.
func FuzzRead(f *testing.F) {
	f.Add(frames(f, wire.Reply{Content: &wire.Content{Path: []byte("setup.py"), Size: 3}}))
	f.Add(frames(f, wire.Reply{Content: &wire.Content{Path: []byte("a.py"), Size: 9}},
		wire.Reply{Content: &wire.Content{Path: []byte("setup.py"), Size: 9}}))
	query := ReadQuery{Paths: []string{"setup.py", "a.py"}, MaxBytes: 10, MaxTotal: 15}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := newContentsReader(query, wire.NewReader(bytes.NewReader(in)))
		_ = r.read() // most inputs are no contents
		total := 0
		for name, content := range r.contents {
			if total += len(content); len(content) > int(query.MaxBytes) || !slices.Contains(query.Paths, name) {
				t.Errorf("%d bytes of %q were taken", len(content), name)
			}
		}
		if total > int(query.MaxTotal) {
			t.Errorf("%d bytes were taken", total)
		}
	})
}

// frames are replies, each followed by its content's bytes, and the end.
func frames(f *testing.F, all ...wire.Reply) []byte {
	f.Helper()
	var b bytes.Buffer
	w := wire.NewWriter(&b)
	for _, r := range append(all, wire.Reply{}) {
		if err := w.Header(r); err != nil {
			f.Fatal(err)
		}
		if r.Content != nil {
			if err := w.Data(wire.KindData, make([]byte, wire.HeadSize+int(r.Content.Size))); err != nil {
				f.Fatal(err)
			}
		}
	}
	return b.Bytes()
}
