package reason

import (
	"regexp"
	"slices"
	"strings"
)

// variable names a variable of the environment that is not set.
func variable(_ *Known, e *Evidence) Why {
	name := e.asked("variable")
	if m := keyError.FindStringSubmatch(e.Reason); name == "" && m != nil {
		file, function := e.last()
		if function == "__getitem__" && (file == "<frozen os>" || strings.HasSuffix(file, "/os.py")) {
			name = m[1]
		}
	}
	if name == "" || !strings.Contains(e.Reason, name) {
		return Why{}
	}
	return Why{Text: "the environment variable " + name + " is not set: set it by env in [tool.vivarium]"}
}

var keyError = regexp.MustCompile(`^KeyError: '([^']+)'`)

// program names a program that the image lacks.
func program(k *Known, e *Evidence) Why {
	name := ""
	if m := noFile.FindStringSubmatch(e.Reason); m != nil {
		file, _ := e.last()
		if strings.HasSuffix(file, "/subprocess.py") || e.asked("program") == m[1] {
			name = m[1]
		}
	}
	if m := notFound.FindStringSubmatch(e.all()); name == "" && m != nil {
		name = m[1]
	}
	if name == "" {
		return Why{}
	}
	if at, ours := k.below(name); ours && strings.Contains(name, "/") {
		return Why{Text: at + " is not in the repository" + k.because(at)}
	}
	return Why{Text: "the program " + name + " is not in the image " + k.Image}
}

var (
	noFile = regexp.MustCompile(`\[Errno 2\] No such file or directory: '([^']+)'`)
	// notFound is how a shell says that it has no such program.
	notFound = regexp.MustCompile(`sh: (?:line )?\d+: ([\w.+-]+): (?:command )?not found`)
)

// unreachable is what programs say where there is no network.
var unreachable = regexp.MustCompile(`(?i)name resolution|name or service not known|` +
	`no address associated with hostname|network is unreachable|getaddrinfo failed|failed to resolve|` +
	`could not resolve host|NameResolutionError`)

// hostIn finds the host in what programs say then.
var hostIn = regexp.MustCompile(`(?i)(?:host='|could not resolve host: |failed to resolve '|` +
	`unable to access '\w+://)([\w.-]+)`)

// host says that there is no network, and who was asked for.
func host(_ *Known, e *Evidence) Why {
	name, said := e.asked("host"), unreachable.MatchString(e.all())
	if name == "" && !said {
		return Why{}
	}
	if m := hostIn.FindStringSubmatch(e.all()); name == "" && m != nil {
		name = m[1]
	}
	text := "there is no network in tests"
	if name != "" {
		text += ", and it asks for " + name
	}
	if !said && !networkError.MatchString(e.Reason) { // the failure may be a consequence, or have another cause
		return Why{Text: e.Reason + "; " + text}
	}
	return Why{Text: text}
}

var networkError = regexp.MustCompile(`(?i)^[\w.]*(?:connection|timeout|timedout|urlerror|network|` +
	`transport|gaierror|unreachable)`)

// services are what listens on well-known ports.
var services = map[string]string{
	"5432": "PostgreSQL", "3306": "MySQL", "6379": "Redis", "27017": "MongoDB", "5672": "RabbitMQ",
	"9200": "Elasticsearch", "11211": "memcached", "9092": "Kafka", "4444": "Selenium",
}

var (
	refused  = regexp.MustCompile(`(?i)connection refused|could not connect|can't connect|errno 111`)
	portIn   = regexp.MustCompile(`\b(?:port[ =]+|localhost:|127\.0\.0\.1:|::1:)(\d{2,5})\b`)
	anyLocal = regexp.MustCompile(`localhost|127\.0\.0\.1|::1`)
)

// service says that a server on this machine was asked for, of which a build has none.
func service(_ *Known, e *Evidence) Why {
	if !refused.MatchString(e.Reason) || !anyLocal.MatchString(e.all()) {
		return Why{}
	}
	m := portIn.FindStringSubmatch(e.all())
	if m == nil || services[m[1]] == "" {
		return Why{}
	}
	return Why{Text: "a build has no " + services[m[1]] + ", and nothing listens on port " + m[1]}
}

// input says that somebody is asked for an answer.
func input(_ *Known, e *Evidence) Why {
	if !strings.Contains(e.Reason, "EOF when reading a line") {
		return Why{}
	}
	return Why{Text: "it waits for input, and nobody answers in a build"}
}

// onImport says what a file does when it is imported.
func onImport(_ *Known, e *Evidence) Why {
	if !strings.HasPrefix(e.Reason, "SystemExit") {
		return Why{}
	}
	if strings.Contains(e.Trace, "/unittest/main.py") {
		return Why{"unittest.main() runs when the file is imported: put it below if __name__ == '__main__'", true}
	}
	if strings.Contains(e.Trace, "import_module") || strings.Contains(e.Trace, "__import__(") {
		return Why{Text: "it ends Python when it is imported (" + e.Reason + "): put that below if __name__ == '__main__'"}
	}
	return Why{}
}

// display says that there is no screen.
func display(_ *Known, e *Evidence) Why {
	if !noDisplay.MatchString(e.all()) {
		return Why{}
	}
	return Why{Text: "it opens a window, and a build has no display"}
}

var noDisplay = regexp.MustCompile(`(?i)no \$DISPLAY environment variable|couldn't connect to display|` +
	`cannot (?:open|connect to) (?:X )?display`)

// readOnly says where a build can write.
func readOnly(_ *Known, e *Evidence) Why {
	m := readOnlyFile.FindStringSubmatch(e.Reason)
	if m == nil {
		return Why{}
	}
	return Why{Text: "it writes to " + m[1] + ", and a build can write to the checkout, its home and /tmp alone"}
}

var readOnlyFile = regexp.MustCompile(`\[Errno (?:30|13)\] (?:Read-only file system|Permission denied): '(/[^']+)'`)

var (
	gitCommand = regexp.MustCompile(`Command '\[?'?(?:/usr/bin/)?git\b[', ]+(\w[\w-]*)`)
	badCommit  = regexp.MustCompile(`fatal: (?:bad object |ambiguous argument '|bad revision '|` +
		`Not a valid object name |invalid reference: )` +
		`'?([0-9A-Za-z._/~^-]+)`)
)

// gitHistory says that tags, history or a commit are not there.
func gitHistory(k *Known, e *Evidence) Why {
	if m := badCommit.FindStringSubmatch(e.all()); m != nil && k.History {
		return Why{Text: "the commit " + m[1] + " is not in the repository's history (any longer)"}
	}
	m := gitCommand.FindStringSubmatch(e.Reason)
	if m == nil || k.History {
		return Why{}
	}
	if !slices.Contains(historical, m[1]) {
		return Why{}
	}
	return Why{Text: "git " + m[1] + " asks for tags or history, not fetched: set history = true in [tool.vivarium]"}
}

// historical are git's commands that look at tags or at other commits.
var historical = []string{
	"describe", "log", "rev-list", "tag", "show", "diff", "blame", "merge-base", "checkout", "shortlog", "rev-parse",
}

// pipInTest says that a test asks for packages, and where that is allowed.
func pipInTest(k *Known, e *Evidence) Why {
	m := pipCommand.FindStringSubmatch(e.Reason)
	if m == nil || k.IndexOpen {
		return Why{}
	}
	return Why{Text: "it runs pip " + m[1] + ", and tests have no index: set index = true in [tool.vivarium]"}
}

var pipCommand = regexp.MustCompile(`Command '\[.*'(?:-m', 'pip|[^']*/pip|pip)\d?', '(install|download)'`)
