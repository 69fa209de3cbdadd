package sandbox

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"

	"vivarium/sandbox/wire"
)

// FuzzSurvey holds that no sandbox can report more than was asked for, or a name that
// leads out of the directory.
func FuzzSurvey(f *testing.F) {
	f.Add(surveyFrames(f, &wire.Entries{Files: []wire.File{{Path: []byte("setup.py"), Size: 3}}},
		&wire.Entries{Content: &wire.Content{Path: []byte("setup.py"), Size: 3}}))
	f.Add(surveyFrames(f, &wire.Entries{Truncated: true, Files: []wire.File{{Path: []byte("../x"), Link: []byte("/etc")}}}))
	query := SurveyQuery{MaxFiles: 3, Read: []string{"*.py"}, MaxBytes: 10, MaxTotal: 15}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := surveyReader{query: query, in: wire.NewReader(bytes.NewReader(in)), files: map[string]File{}}
		r.survey.Contents = map[string][]byte{}
		_ = r.read() // most are no surveys
		if len(r.survey.Files) > query.MaxFiles {
			t.Errorf("%d files were taken", len(r.survey.Files))
		}
		for _, file := range r.survey.Files {
			if file.Path == "" || strings.HasPrefix(file.Path, "/") || strings.Contains("/"+file.Path+"/", "/../") || file.Size < 0 {
				t.Errorf("%+v was taken", file)
			}
		}
		total := 0
		for name, content := range r.survey.Contents {
			if total += len(content); len(content) > int(query.MaxBytes) || !strings.HasSuffix(name, ".py") {
				t.Errorf("%d bytes of %q were taken", len(content), name)
			}
		}
		if total > int(query.MaxTotal) {
			t.Errorf("%d bytes were taken", total)
		}
	})
}

// surveyFrames are replies with entries, a content's bytes after it, and the end.
func surveyFrames(f *testing.F, all ...*wire.Entries) []byte {
	f.Helper()
	var b bytes.Buffer
	w := wire.NewWriter(&b)
	for _, e := range append(all, nil) {
		if err := w.Header(wire.Reply{Survey: e}); err != nil {
			f.Fatal(err)
		}
		if e != nil && e.Content != nil {
			if err := w.Data(wire.KindData, make([]byte, wire.HeadSize+int(e.Content.Size))); err != nil {
				f.Fatal(err)
			}
		}
	}
	return b.Bytes()
}

// FuzzAttached holds that an engine's stream is taken apart without a panic, and that
// nothing comes out that did not go in.
func FuzzAttached(f *testing.F) {
	f.Add([]byte(engineFrame(1, "ab") + engineFrame(2, "panic: x") + engineFrame(1, "c")))
	f.Add([]byte(engineFrame(3, "the engine's own")))
	f.Fuzz(func(t *testing.T, in []byte) {
		c := &attachConn{r: bufio.NewReader(bytes.NewReader(in)), stderr: new(tail)}
		out, _ := io.ReadAll(c) // most end early
		if len(out) > len(in) || len(c.stderr.buf) > tailSize {
			t.Errorf("%d bytes and %d of stderr came of %d", len(out), len(c.stderr.buf), len(in))
		}
	})
}
