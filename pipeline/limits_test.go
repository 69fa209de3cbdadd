package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"vivarium/images/imagestest"
	"vivarium/pipeline"
)

// hog is a test that does one thing.
func hog(body string) map[string]string {
	return map[string]string{"test_hog.py": "import os, sys, time, unittest\nclass T(unittest.TestCase):\n" +
		"    def test(self):\n        " +
		strings.ReplaceAll(body, "\n", "\n        ") + "\n"}
}

func TestLimitThatStruckIsTheCause(t *testing.T) {
	for name, c := range map[string]struct {
		body    string
		toml    string
		cause   pipeline.Cause
		summary string
	}{
		"memory": {
			"x = []\nwhile True: x.append(bytearray(1 << 20))",
			"",
			pipeline.CauseOutOfMemory,
			"out of memory: 512 MiB limit",
		},
		"less memory": {
			"x = []\nwhile True: x.append(bytearray(1 << 20))",
			"memory='256MiB'",
			pipeline.CauseOutOfMemory,
			"out of memory: 256 MiB limit",
		},
		"processes": {
			"while True:\n    try: os.fork()\n    except OSError: os._exit(1)",
			"pids=64",
			pipeline.CausePidsLimit,
			"64 limit",
		},
		"disk": {
			"f = open('/tmp/x', 'wb')\nwhile True: f.write(bytes(1 << 20))",
			"",
			pipeline.CauseDiskFull,
			"no room left in /tmp",
		},
		"time": {
			"while True: time.sleep(1)",
			"timeout='15s'",
			pipeline.CauseTimeout,
			"test_hog.T.test hangs: it took longer than 5 s",
		},
		"output": {
			"while True: sys.stdout.write('x' * 99 + chr(10))",
			"log_limit='1MiB'",
			pipeline.CauseLogLimit,
			"too much output: 1 MiB limit",
		},
		"files": {
			"for i in range(10 ** 6): open(f'/tmp/{i}', 'w').close()",
			"",
			pipeline.CauseDiskFull,
			"too many files in /tmp, 262144 limit over all",
		},
		"none of them": {
			"pass",
			"memory='256MiB'\ncpus=0.5\npids=64\ntimeout='1m'\nfiles=64\nlog_rate='64KiB'",
			"",
			"1 test",
		},
	} {
		if name == "files" && imagestest.GVisor() {
			// gVisor does not limit the number of files; what they take is memory.
			c.cause, c.summary = pipeline.CauseOutOfMemory, "out of memory: 512 MiB limit"
		}
		t.Run(name, func(t *testing.T) {
			files := hog(c.body)
			if c.toml != "" {
				files["pyproject.toml"] = "[tool.vivarium]\n" + c.toml + "\n"
			}
			o, _ := build(t, files)
			wantCause(t, o, c.cause)
			wantText(t, o.Summary, c.summary)
			if c.cause != "" && !strings.HasPrefix(o.Summary, "test_hog.T.test ") {
				wantText(t, o.Summary, "in `python -m unittest`")
			}
		})
	}
}

func TestOutputStopsAtTheLimit(t *testing.T) {
	files := hog("while True: sys.stdout.write('x' * 99 + chr(10))")
	files["pyproject.toml"] = "[tool.vivarium]\nlog_limit='1MiB'\n"
	_, l := build(t, files)
	if n := strings.Count(l.text(), "x"); n > 1<<20 || n < 900<<10 {
		t.Errorf("%d bytes of output came through, want just below 1 MiB", n)
	}
}

func TestOutputBeyondItsRateSlowsTheBuildDownAndIsNotLost(t *testing.T) {
	files := hog("for i in range(10240): sys.stdout.write('x' * 99 + chr(10))")
	took := func(o pipeline.Outcome) time.Duration {
		test := o.Steps[len(o.Steps)-1]
		return test.EndedAt.Sub(test.StartedAt)
	}
	fast, _ := build(t, files)
	files["pyproject.toml"] = "[tool.vivarium]\nlog_rate='128KiB'\n"
	slow, l := build(t, files)
	wantCause(t, slow, "")
	if n := strings.Count(l.text(), "x"); n < 99*10240 {
		t.Errorf("%d bytes came through, want all 1,013,760", n)
	}
	// 1000 KiB at 128 KiB/s, where the first second's worth comes at once.
	if took(slow) < 6500*time.Millisecond {
		t.Errorf("it took %s", took(slow))
	}
	// The control: it is the limit that takes the time. The build runs again where the machine was
	// busy with something else.
	delete(files, "pyproject.toml")
	for tries := 1; took(slow) < 2*took(fast); tries++ {
		if tries == 3 {
			t.Fatalf("it took %s, and without the limit %s", took(slow), took(fast))
		}
		fast, _ = build(t, files)
	}
}

func TestRepositoryLowersOpenFiles(t *testing.T) {
	files := hog("import resource\nprint('files:', *resource.getrlimit(resource.RLIMIT_NOFILE), flush=True)")
	_, l := build(t, files)
	wantText(t, l.text(), "files: 16384 16384\n")
	files["pyproject.toml"] = "[tool.vivarium]\nfiles=100\n"
	_, l = build(t, files)
	wantText(t, l.text(), "files: 100 100\n", "open files 100 for each")
}

func TestCancelEndsTheBuildAtOnce(t *testing.T) {
	w := theWorld(t)
	source := w.commit(t, hog("print('test begun', flush=True)\ntime.sleep(600)"))
	ctx, cancel := context.WithCancelCause(t.Context())
	l := newLog()
	l.onText = func(text string) {
		if strings.Contains(text, "test begun") {
			cancel(pipeline.ErrCanceled)
		}
	}
	start := time.Now()
	o, err := w.runner.Run(ctx, w.request(source), l)
	if err != nil {
		t.Fatal(err)
	}
	l.check(t, o)
	wantCause(t, o, pipeline.CauseCanceled)
	wantText(t, o.Summary, "canceled during test")
	if d := time.Since(start); d > time.Minute {
		t.Errorf("it took %s", d)
	}
}

func TestCancelBeforeTheStartIsAnOutcomeToo(t *testing.T) {
	w := theWorld(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(pipeline.ErrCanceled)
	l := newLog()
	o, err := w.runner.Run(ctx, w.request(pipeline.Git{URL: w.host.RepoURL("a/b"), SHA: strings.Repeat("a", 40)}), l)
	if err != nil {
		t.Fatal(err)
	}
	l.check(t, o)
	wantCause(t, o, pipeline.CauseCanceled)
}

func TestRunIsAbandonedForAnyOtherReason(t *testing.T) {
	w := theWorld(t)
	source := w.commit(t, hog("pass"))
	gone := errors.New("the lease is lost")

	ctx, cancel := context.WithCancelCause(t.Context())
	l := newLog()
	l.onText = func(text string) {
		if strings.Contains(text, "git checkout") {
			cancel(gone)
		}
	}
	if o, err := w.runner.Run(ctx, w.request(source), l); !errors.Is(err, gone) {
		t.Errorf("got %v, %v; want the context's cause", o, err)
	}

	l = newLog()
	l.err = gone
	if o, err := w.runner.Run(t.Context(), w.request(source), l); err != gone {
		t.Errorf("got %v, %v; want the recorder's error", o, err)
	}
}

func TestMissingEngineFeaturesAreErrors(t *testing.T) {
	w := theWorld(t)
	q := w.request(w.commit(t, hog("pass")))
	q.Settings.Runtime = "no-such-runtime"
	o, _ := w.run(t, q)
	wantCause(t, o, pipeline.CauseEngine)
	wantText(t, o.Summary, "no-such-runtime")
}

// On runc nothing can stop PID 1, and the test passes.
func TestBuildThatStopsItsPID1EndsInTime(t *testing.T) {
	files := hog("import signal\nos.kill(1, signal.SIGSTOP)\ntime.sleep(1)")
	files["pyproject.toml"] = "[tool.vivarium]\ntimeout='8s'\n"
	began := time.Now()
	o, _ := build(t, files)
	if !imagestest.GVisor() {
		wantCause(t, o, "")
		return
	}
	wantCause(t, o, pipeline.CauseTimeout)
	wantText(t, o.Summary, "timed out: 8 s limit")
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %s", took)
	}
}
