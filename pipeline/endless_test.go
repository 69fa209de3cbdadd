package pipeline_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/sandbox/egress/egresstest"
)

// flood answers with a head and then repeats the same piece as long as somebody listens: as fast as
// it can, or one piece after each pause.
func flood(contentType, head, piece string, pause time.Duration) egresstest.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, err := io.WriteString(w, head)
			for err == nil && r.Context().Err() == nil {
				if _, err = io.WriteString(w, piece); err == nil {
					err = http.NewResponseController(w).Flush()
				}
				if pause > 0 {
					time.Sleep(pause)
				}
			}
		})
	}
}

const advertisement = "application/x-git-upload-pack-advertisement"

// capability is one line of git's protocol, version 2, that a client accepts.
var capability = fmt.Sprintf("%04xx=%s\n", 60007, strings.Repeat("y", 60000))

func TestGitHostThatNeverStopsSendingEndsTheClone(t *testing.T) {
	w := theWorld(t)
	source := w.commit(t, hog("pass"))
	t.Cleanup(func() { w.host.SetFault(nil) })
	for name, c := range map[string]struct {
		fault   egresstest.Fault
		timeout time.Duration
		cause   pipeline.Cause
		summary string
	}{
		"as fast as it can": {
			flood(advertisement, "000eversion 2\n", capability, 0), 2 * time.Minute,
			pipeline.CauseClone, "sent more than 256 MiB",
		},
		"a little at a time": {
			flood(advertisement, "000eversion 2\n", "0006x\n", 50*time.Millisecond), 15 * time.Second,
			pipeline.CauseTimeout, "timed out: 15 s limit for the build, in `git fetch`",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.host.SetFault(c.fault)
			q := w.request(source)
			q.Settings.Limits.Timeout = c.timeout
			wantEndIn(t, time.Minute, func() (pipeline.Outcome, *log) { return w.run(t, q) }, c.cause, c.summary)
		})
	}
}

func TestIndexThatNeverStopsSendingEndsTheInstall(t *testing.T) {
	w := theWorld(t)
	w.index.Add(egresstest.Wheel("endless", "1.0", map[string]string{"endless.py": ""}))
	files := hog("pass")
	files["requirements.txt"] = "endless\n"
	source := w.commit(t, files)
	t.Cleanup(func() { w.index.SetFault(nil); w.index.SetFilesFault(nil) })
	const page = "application/vnd.pypi.simple.v1+json"
	for name, c := range map[string]struct {
		page, file egresstest.Fault
		timeout    time.Duration
		cause      pipeline.Cause
		summary    string
	}{
		"a page": {
			flood(page, `{"meta":{"api-version":"1.0"},"files":[`, strings.Repeat(`{"filename":"x"},`, 4000), 0), nil,
			2 * time.Minute,
			pipeline.CauseInstall, "requirements.txt:1: endless has no ", // version, or file, by what came before the cut
		},
		"a file": {
			// pip writes the file to its disk, which is full before the proxy cuts the file off.
			nil, egresstest.Endless("application/octet-stream"), 2 * time.Minute,
			pipeline.CauseDiskFull, "disk full: no room left in /tmp, 256 MiB limit over all, in `pip install`",
		},
		"a file, a little at a time": {
			nil, flood("application/octet-stream", "", strings.Repeat("x", 128<<10), 20*time.Millisecond),
			20 * time.Second,
			pipeline.CauseTimeout, "timed out: 20 s limit for the build, in `pip install`",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.index.SetFault(c.page)
			w.index.SetFilesFault(c.file)
			q := w.request(source)
			q.Settings.Limits.Timeout = c.timeout
			wantEndIn(t, time.Minute, func() (pipeline.Outcome, *log) { return w.run(t, q) }, c.cause, c.summary)
		})
	}
	w.index.SetFault(nil)
	w.index.SetFilesFault(nil)
	o, _ := w.run(t, w.request(source))
	wantCause(t, o, "") // the control: nothing else was wrong
}

// wantEndIn runs a build that must end within bounds and for this cause.
func wantEndIn(
	t *testing.T, bound time.Duration, run func() (pipeline.Outcome, *log), cause pipeline.Cause, summary string,
) {
	t.Helper()
	start := time.Now()
	o, _ := run()
	took := time.Since(start)
	t.Logf("%s after %s: %s", o.Cause, took.Round(100*time.Millisecond), o.Summary)
	wantCause(t, o, cause)
	wantText(t, o.Summary, summary)
	if took > bound {
		t.Errorf("it took %s, want at most %s", took, bound)
	}
}
