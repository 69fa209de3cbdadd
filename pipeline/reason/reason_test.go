package reason

import (
	"path"
	"slices"
	"strings"
	"testing"
	"vivarium/pipeline/results"
)

// known is a checkout with these paths, of which requirements.txt is installed.
func known(paths ...string) *Known {
	all := map[string]bool{}
	for _, p := range paths {
		for ; p != "."; p = path.Dir(p) {
			all[p] = true
		}
	}
	k := &Known{
		Root: "/tmp/workspace", Image: "python-3.11", Installs: "requirements.txt", Wanted: map[string]bool{},
		Declared: map[string]string{}, Has: func(p string) bool { return all[p] },
	}
	for p := range all {
		k.Paths = append(k.Paths, p)
	}
	slices.Sort(k.Paths)
	return k
}

func traceback(frames ...string) string {
	return "Traceback (most recent call last):\n  File " + strings.Join(frames, "\n  File ") + "\n"
}

func TestMissingModuleIsToldByWhereItCouldComeFrom(t *testing.T) {
	k := known("app.py", "lib/shop/cart.py", "lib/tools.py", "pkg/__init__.py", "tests/test_a.py")
	k.Wanted["numpy"], k.Wanted["attrs"] = true, true
	k.Declared["flask"], k.Declared["mock"] = "Pipfile", "tests_require of setup.py"
	k.LeftOut = []string{"black"}
	k.Ignore = map[string][]byte{".gitignore": []byte("*.log\nsecrets.py\n"), "pkg/.gitignore": []byte("/made.py\n")}
	for name, want := range map[string]string{
		"requests":    "add it to requirements.txt",
		"yaml":        "add PyYAML to requirements.txt",
		"flask":       "Pipfile declares it, and only requirements.txt is installed: add it there",
		"mock":        "tests_require of setup.py declares it, and only requirements.txt is installed: add it there",
		"black":       "the index lacks black, which was left out",
		"numpy.nope":  "the installed numpy has no such module: another version may",
		"attr":        "attrs is installed, and does not bring it",
		"tools":       "it is lib/tools.py, and lib is not on Python's path",
		"pkg.more":    "pkg/more.py is not in the repository",
		"pkg.made":    "made.py is not in the repository: pkg/.gitignore:1 leaves it out",
		"secrets_":    "add it to requirements.txt",
		"secrets":     "secrets.py is not in the repository: .gitignore:2 leaves it out",
		"distutils":   "Python 3.12 took it out",
		"_tkinter":    "the Python of image python-3.11 comes without it",
		"unheard.of_": "add it to requirements.txt",
	} {
		why := k.Explain(Evidence{Reason: "ModuleNotFoundError: No module named '" + name + "'"})
		if got := "No module named '" + name + "': " + want; why.Text != got || !why.Alone {
			t.Errorf("got  %+v\nwant %s", why, got)
		}
	}
	k.Installs = ""
	if why := k.Explain(Evidence{Reason: "ModuleNotFoundError: No module named 'flask'"}); why.Text !=
		"No module named 'flask': Pipfile declares it, which is not installed: add it to requirements.txt" {
		t.Errorf("got %+v", why)
	}
}

func TestFileThatHidesAModuleIsNamed(t *testing.T) {
	k := known("random.py", "tests/test_a.py", "src/email/__init__.py", "util.py")
	for _, c := range []struct{ reason, trace, want string }{
		{"AttributeError: partially initialized module 'random' has no attribute 'randint' (most likely due to a " +
			"circular import)",
			traceback(`"/tmp/workspace/random.py", line 3, in <module>`), "random.py hides Python's own module " +
				"random: rename it"},
		{"ImportError: cannot import name 'choices' from 'random' (/tmp/workspace/random.py)", "",
			"random.py hides Python's own module random: rename it"},
		{"ModuleNotFoundError: No module named 'email.mime'; 'email' is not a package", "src/email/__init__.py",
			"src/email hides Python's own module email: rename it"},
		{"AttributeError: module 'util' has no attribute 'x'", "/tmp/workspace/util.py", ""},
		{"AttributeError: module 'random' has no attribute " +
			"'x'", traceback(`"/tmp/workspace/tests/test_a.py", line 3, in f`), ""},
	} {
		if got := k.Explain(Evidence{Reason: c.reason, Trace: c.trace}); got.Text != c.want {
			t.Errorf("%s: got %q, want %q", c.reason, got.Text, c.want)
		}
	}
}

func TestPython2IsCalledSo(t *testing.T) {
	for reason, want := range map[string]string{
		"SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)? (x.py, line 1)": "Python 2 " +
			"code: SyntaxError: " +
			"Missing parentheses in call to 'print'. Did you mean print(...)? (x.py, line 1)",
		"ModuleNotFoundError: No module named 'urllib2'":                 "Python 2 code: Python 3 has no module urllib2",
		"NameError: name 'raw_input' is not defined. Did you mean: 'x'?": "Python 2 code: Python 3 has no raw_input",
		"AttributeError: 'dict' object has no attribute 'iteritems'": "Python 2 code: in Python 3 a dict has " +
			"no iteritems",
		"NameError: name 'prize' is not defined":     "",
		"SyntaxError: invalid syntax (x.py, line 1)": "",
	} {
		if got := known().Explain(Evidence{Reason: reason}); got.Text != want {
			t.Errorf("%s: got %q, want %q", reason, got.Text, want)
		}
	}
}

func TestWhatTheSandboxLacksIsSaid(t *testing.T) {
	k := known("tests/data.csv", "tests/test_a.py", "run.sh")
	k.Ignore = map[string][]byte{".gitignore": []byte("build/\n# x\n*.sqlite3\n!kept.sqlite3\n")}
	noFile := func(name string) string {
		return "FileNotFoundError: [Errno 2] No such file or directory: '" + name + "'"
	}
	popen := traceback(
		`"/tmp/workspace/tests/test_a.py", line 3, in test_x`,
		`"/usr/lib/python3.11/subprocess.py", line 1901, in _execute_child`,
	)
	environ := traceback(`"/tmp/workspace/app.py", line 3, in f`, `"<frozen os>", line 679, in __getitem__`)
	asked := func(kind, name string) []results.Asked { return []results.Asked{{Kind: kind, Name: name}} }
	for name, c := range map[string]struct {
		e    Evidence
		want string
	}{
		"a variable": {Evidence{Reason: "KeyError: 'API_KEY'", Trace: environ},
			"the environment variable API_KEY is not set: set it by env in [tool.vivarium]"},
		"a variable by evidence": {Evidence{Reason: "KeyError: 'API_KEY'", Asked: asked("variable", "API_KEY")},
			"the environment variable API_KEY is not set: set it by env in [tool.vivarium]"},
		"a key": {Evidence{Reason: "KeyError: " +
			"'API_KEY'", Trace: traceback(`"/tmp/workspace/app.py", line 3, in f`)}, ""},
		"a program": {Evidence{Reason: noFile("ffmpeg"), Trace: popen}, "the program ffmpeg is not in " +
			"the image python-3.11"},
		"a program by evidence": {Evidence{Reason: noFile("ps"), Asked: asked("program", "ps")}, "the program ps " +
			"is not in the image python-3.11"},
		"a script": {Evidence{Reason: noFile("./made.sh"), Trace: popen}, "made.sh is not in the repository"},
		"of a shell": {Evidence{Reason: "AssertionError: 127 != 0", Trace: "/bin/sh: 1: ffmpeg: not found"},
			"the program ffmpeg is not in the image python-3.11"},
		"a host": {Evidence{Reason: "urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>",
			Asked: asked("host", "api.example.org")}, "there is no network in tests, and it asks for api.example.org"},
		"a host by its words": {Evidence{Reason: "requests.exceptions.ConnectionError: " +
			"HTTPSConnectionPool(host='api.example.org', " +
			"port=443): Max retries exceeded with url: / (Caused by NameResolutionError(...: Failed to resolve " +
			"'api.example.org'"},
			"there is no network in tests, and it asks for api.example.org"},
		"a network that nobody names": {Evidence{Reason: "socket.gaierror: [Errno -3] Temporary failure in name resolution"},
			"there is no network in tests"},
		"a consequence of no network": {Evidence{Reason: "AssertionError: None != 3", Asked: asked("host", "x.org")},
			"AssertionError: None != 3; there is no network in tests, and it asks for x.org"},
		"a server of this machine": {Evidence{Reason: "redis.exceptions.ConnectionError: Error 111 connecting to " +
			"localhost:6379. Connection refused."},
			"a build has no Redis, and nothing listens on port 6379"},
		"what .gitignore leaves out": {Evidence{Reason: noFile("db.sqlite3")},
			"db.sqlite3 is not in the repository: .gitignore:3 leaves it out"},
		"what a rule brings back": {Evidence{Reason: noFile("kept.sqlite3")}, "kept.sqlite3 is not in the repository"},
		"below a folder that is left out": {Evidence{Reason: noFile("/tmp/workspace/build/x.txt")},
			"build/x.txt is not in the repository: .gitignore:1 leaves it out"},
		"an empty folder": {Evidence{Reason: noFile("out/x.txt")},
			"out/x.txt is not in the repository, nor is out: git keeps no empty folder"},
		"a file of another folder": {Evidence{Reason: noFile("data.csv")},
			"data.csv is not in the repository: there is tests/data.csv, and tests run in the root"},
		"a file that is there": {Evidence{Reason: noFile("run.sh")}, ""},
		"another machine":      {Evidence{Reason: noFile("/home/ann/x.csv")}, "/home/ann/x.csv is a path of another machine"},
		"a file of the system": {Evidence{Reason: noFile("/etc/x.conf")}, "/etc/x.conf is not in the image python-3.11"},
		"a temporary file":     {Evidence{Reason: noFile("/tmp/abc/x")}, ""},
		"input": {Evidence{Reason: "EOFError: EOF when reading a line"}, "it waits for input, and " +
			"nobody answers in a build"},
		"tags": {Evidence{Reason: "subprocess.CalledProcessError: Command '['git', 'describe', '--tags']' " +
			"returned non-zero exit status 128."},
			"git describe asks for tags or history, not fetched: set history = true in [tool.vivarium]"},
		"pip": {
			Evidence{Reason: "CalledProcessError: Command '['/x/python', '-m', 'pip', 'download', 'a']' returned non-zero"},
			"it runs pip download, and tests have no index: set index = true in [tool.vivarium]",
		},
		"main on import": {Evidence{Reason: "SystemExit: " +
			"2", Trace: traceback(`"/usr/lib/python3.11/unittest/main.py", line 3, in x`)},
			"unittest.main() runs when the file is imported: put it below if __name__ == '__main__'"},
		"a display": {Evidence{Reason: "_tkinter.TclError: no display name and no $DISPLAY environment variable"},
			"it opens a window, and a build has no display"},
		"a folder of the image": {Evidence{Reason: "OSError: [Errno 30] Read-only file system: '/data'"},
			"it writes to /data, and a build can write to the checkout, its home and /tmp alone"},
		"an assertion": {Evidence{Reason: "AssertionError: 90 != 100"}, ""},
	} {
		if got := k.Explain(c.e); got.Text != c.want {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got.Text, c.want)
		}
	}
	k.History = true
	gone := "subprocess.CalledProcessError: Command '['git', 'show', 'abc123']' returned non-zero exit status 128."
	if got := k.Explain(Evidence{Reason: gone, Trace: "fatal: bad object abc123\n"}); got.Text !=
		"the commit abc123 is not in the repository's history (any longer)" {
		t.Errorf("got %q", got.Text)
	}
}

func FuzzExplain(f *testing.F) {
	f.Add("ModuleNotFoundError: No module named 'a..b'", "x", "host", "y", "*\n!a\n[z-a]\n")
	f.Fuzz(func(t *testing.T, reason, trace, kind, name, ignore string) {
		k := known("a.py")
		k.Ignore = map[string][]byte{".gitignore": []byte(ignore)}
		k.Explain(Evidence{Reason: reason, Trace: trace, Asked: []results.Asked{{Kind: kind, Name: name}}})
	})
}
