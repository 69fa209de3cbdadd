package results

import "strings"

// Problem is why the test is red, in words: what was asserted, where the assertion says nothing
// itself; and what an exception says, without its class where that says no more.
func (t Test) Problem() string {
	if t.Outcome == UnexpectedSuccess {
		return "it passed, and a failure was expected"
	}
	class, message, _ := strings.Cut(t.Reason, ": ")
	switch class {
	case "AssertionError", "Failed":
		if message == "" || message == "None" {
			message = source(t.Traceback)
		}
	case "ModuleNotFoundError":
	default:
		message = ""
	}
	switch {
	case message != "":
		return message
	case t.Reason != "":
		return t.Reason
	}
	return "it failed"
}

// source is the line of code at the last place of a traceback; empty when it shows none.
func source(traceback string) string {
	code, after := "", false
	for line := range strings.Lines(traceback) {
		if after && strings.HasPrefix(line, "    ") {
			code = strings.TrimSpace(line)
		}
		after = strings.HasPrefix(line, "  File ")
	}
	return code
}
