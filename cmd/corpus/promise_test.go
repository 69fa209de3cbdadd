package corpus

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// promise is what is right for a repository, as its head says.
type promise struct {
	verdict string // as the command line writes it, such as "failed (lint)"
	tests   int    // -1 where nothing is said
	search  []search
}

// search is one text that is to be found, or not.
type search struct {
	where  string // sentence, plan, log, or not
	regexp *regexp.Regexp
}

func (p *promise) add(key, value string) (err error) {
	switch key {
	case "verdict":
		p.verdict = value
	case "tests":
		// 0 would not be told from nothing said: no_tests says that there is none.
		if p.tests, err = strconv.Atoi(value); err == nil && p.tests < 1 {
			err = errors.New("give a number of tests")
		}
	case "sentence", "plan", "log", "not":
		s := search{where: key}
		s.regexp, err = regexp.Compile("(?m)" + value)
		p.search = append(p.search, s)
	default:
		err = errors.New("no such thing can be promised")
	}
	return err
}

// whole checks that enough is promised to tell right from wrong.
func (p *promise) whole() error {
	switch {
	case p.verdict == "":
		return errors.New("no verdict is promised")
	case p.verdict == "passed" && p.tests == 0 && !p.searches("sentence"):
		return errors.New("it is to pass, and no number of tests is promised: a run of none would do")
	case p.verdict != "passed" && len(p.search) == 0:
		return errors.New("it is not to pass, and nothing is promised of why: any trouble would do")
	}
	return nil
}

func (p *promise) searches(where string) bool {
	return slices.ContainsFunc(p.search, func(s search) bool { return s.where == where })
}

// problems says what of a build is not as promised.
func (p *promise) problems(b build) []string {
	var wrong []string
	if b.verdict() != p.verdict {
		wrong = append(wrong, fmt.Sprintf("the verdict is %s, not %s: %s", b.verdict(), p.verdict, b.summary))
	}
	if p.tests > 0 {
		if ran := b.ran(); ran != p.tests {
			wrong = append(wrong, fmt.Sprintf("%d tests were run, not %d", ran, p.tests))
		}
		if counted := regexp.MustCompile(fmt.Sprintf(`\b%d (tests?|passed)\b`, p.tests)); p.verdict == "passed" &&
			!counted.MatchString(b.summary) {
			wrong = append(wrong, fmt.Sprintf("the sentence does not count %d tests: %s", p.tests, b.summary))
		}
	}
	for _, s := range p.search {
		if problem := s.problem(b); problem != "" {
			wrong = append(wrong, problem)
		}
	}
	return wrong
}

func (s search) problem(b build) string {
	texts := map[string]string{"sentence": b.summary, "plan": b.plan, "log": b.log, "not": b.summary + "\n" + b.log}
	switch found := s.regexp.FindString(texts[s.where]); {
	case s.where == "not" && found != "":
		return fmt.Sprintf("it says %q", found)
	case s.where == "sentence" && found == "":
		return fmt.Sprintf("the sentence does not say %s: %s", s.regexp, b.summary)
	case s.where != "not" && found == "":
		return fmt.Sprintf("the %s does not say %s", s.where, s.regexp)
	}
	return ""
}

// TestPromiseSeesWhatIsWrong is the control: each build differs in one thing from what is promised.
func TestPromiseSeesWhatIsWrong(t *testing.T) {
	var p promise
	for _, line := range [][2]string{
		{
			"verdict",
			"failed (tests)",
		}, {"tests", "2"}, {"sentence", "test_a"}, {"plan", "x"}, {"log", "y"}, {"not", "z"},
	} {
		if err := p.add(line[0], line[1]); err != nil {
			t.Fatal(err)
		}
	}
	right := func() build {
		return build{
			state:   "failed",
			cause:   "tests",
			summary: "test_a: 1 != 2",
			plan:    "x",
			log:     "y",
			tests:   "Ran 2 tests in 0.1s\n\nFAILED (failures=1)\n",
		}
	}
	if wrong := p.problems(right()); wrong != nil {
		t.Errorf("what is right has problems: %q", wrong)
	}
	for name, change := range map[string]func(*build){
		"state":    func(b *build) { b.state = "passed" },
		"cause":    func(b *build) { b.cause = "lint" },
		"sentence": func(b *build) { b.summary = "something else" },
		"plan":     func(b *build) { b.plan = "" },
		"log":      func(b *build) { b.log = "" },
		"not":      func(b *build) { b.log += "z" },
		"tests":    func(b *build) { b.tests = "Ran 3 tests in 0.1s\n" },
		"no tests": func(b *build) { b.tests = "" },
	} {
		b := right()
		change(&b)
		if len(p.problems(b)) == 0 {
			t.Errorf("%s: nothing was noticed", name)
		}
	}
}

func TestPromiseMustTellRightFromWrong(t *testing.T) {
	for _, head := range []string{
		"prose only", "verdict: passed", "verdict: failed (lint)", "verdict: passed\ntests: 0", "tests: 1",
		"verdict: passed\ntests: 1\nsentense: x", "verdict: passed\ntests: 1\nplan: (",
	} {
		if err := new(repository).readHead(head); err == nil {
			t.Errorf("%q was taken", head)
		}
	}
	if err := new(repository).readHead("prose: here\n\nverdict: passed\ntests: 1\n"); err == nil {
		t.Error("an unknown word was taken for prose")
	}
	if err := new(repository).readHead("Prose.\n\nverdict: passed\ntests: 1\n"); err != nil {
		t.Error(err)
	}
}
