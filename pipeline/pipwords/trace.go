package pipwords

import (
	"regexp"
	"strconv"
	"strings"
)

// trace reads the tracebacks of what builds a project.
type trace struct {
	file   string // of the last frame that is the project's own, or the checkout's
	at     int    // its line
	source string // its line of code
	placed bool   // that comes next
	spawns bool   // the last frames start a program
}

var (
	// frame is a line of a traceback in what a build prints.
	frame = regexp.MustCompile(`^\s+File "(.+)", line (\d+)`)
	// raised is the last line of a traceback, wherever it stands.
	raised = regexp.MustCompile(`^\s*((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Exit|Warning)): (.*)$`)
	// absent is what Python says of a module that is not there.
	absent = regexp.MustCompile(`^No module named '([^']+)'`)
	// noSuchFile is what Python says of a file, or a program, that is not there.
	noSuchFile = regexp.MustCompile(`^\[Errno 2\] No such file or directory: '(.+)'$`)
	// python2 matches what Python 3 says only of code that was written for Python 2.
	python2 = regexp.MustCompile(`^(?:Missing parentheses in call to '(?:print|exec)'|` +
		`multiple exception types must be parenthesized)`)
	// quoted is a file's name in a line of code.
	quoted = regexp.MustCompile(`["']([\w./ -]+\.\w+)["']`)
)

const tracebackHead = "Traceback (most recent call last):"

// line reads a line, and gives the fault where it is the last one of a traceback.
func (t *trace) line(s string) (f fault, done bool) {
	if strings.TrimSpace(s) == tracebackHead {
		*t = trace{}
		return f, false
	}
	if m := frame.FindStringSubmatch(s); m != nil {
		t.spawns = strings.HasSuffix(m[1], "/subprocess.py")
		if t.placed = ownCode(m[1]); t.placed {
			t.file = m[1]
			t.at, _ = strconv.Atoi(m[2])
		}
		return f, false
	}
	if t.placed {
		t.source, t.placed = strings.TrimSpace(s), false
		return f, false
	}
	m := raised.FindStringSubmatch(s)
	if m == nil || t.file == "" {
		return f, false
	}
	f = fault{rank: traceback, file: t.file, line: t.at, text: t.says(m[1], m[2])}
	*t = trace{}
	return f, true
}

// ownCode reports whether a file is neither Python's, nor a tool's that builds.
func ownCode(file string) bool {
	return !strings.HasPrefix(file, "<") && !strings.Contains(file, "/site-packages/") &&
		!strings.HasPrefix(file, "/usr/lib/") && !strings.Contains(file, "/lib/python3.")
}

// says puts an exception in words.
func (t *trace) says(class, message string) string {
	if m := absent.FindStringSubmatch(message); m != nil {
		return "it imports " + m[1] + " before anything is installed"
	}
	if m := noSuchFile.FindStringSubmatch(message); m != nil {
		if t.spawns {
			return "the program " + m[1] + " is not in the image"
		}
		return m[1] + " is not in the repository"
	}
	switch {
	case python2.MatchString(message):
		return "Python 2 code: " + message
	case class == "UnicodeDecodeError":
		name := "a file that it reads"
		if m := quoted.FindStringSubmatch(t.source); m != nil {
			name = m[1]
		}
		return name + " is not UTF-8: save it so, or name its encoding"
	}
	return class + ": " + message
}
