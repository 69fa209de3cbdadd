package web

import (
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/findings"
)

func TestBuildPageSaysFirstWhatIsWrongAndLinksToTheLine(t *testing.T) {
	lint := findings.List{
		Total: 30,
		Findings: []findings.Finding{
			{Path: "app/a b#?.py", Line: 12, Column: 5, Code: "F821", Text: "undefined name 'y'"},
		},
	}
	tests := findings.List{
		Total: 1,
		Findings: []findings.Finding{
			{Path: "tests/test_a.py", Line: 3, Code: "AssertionError", Test: "tests.test_a.T.test_<b>", Text: "1 != 2"},
		},
	}
	install := findings.List{Total: 1, Findings: []findings.Finding{{Text: "nope: the index offers no version of it"}}}
	b := Build{RepoURL: "https://git.example/octo/hello",
		Build: pipeline.Build{SHA: "abc", State: pipeline.Failed, Steps: []pipeline.Step{
			{Name: pipeline.StepInstall, Findings: install},
			{Name: pipeline.StepLint, Findings: lint},
			{Name: pipeline.StepTest, Findings: tests},
		}}}
	page, err := NewSite("").Render(b, Visitor{})
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	at := 0
	for _, want := range []string{
		`<li><bdi>nope: the index offers no version of it</bdi></li>`,
		`<a href="https://git.example/octo/hello/blob/abc/app/a%20b%23%3F.py#L12"><bdi>app/a b#?.py:12:5</bdi></a>` +
			` <bdi>F821 undefined name &#39;y&#39;</bdi>`,
		`and 29 more`,
		`<bdi>tests/test_a.py:3</bdi></a> <bdi class="test">tests.test_a.T.test_&lt;b&gt;</bdi> <bdi>1 != 2</bdi>`,
		`<dl class="facts">`,
	} {
		i := strings.Index(text[at:], want)
		if i < 0 {
			t.Fatalf("%q does not follow in\n%s", want, text)
		}
		at += i
	}
	if green, err := NewSite("").Render(Build{}, Visitor{}); err != nil || strings.Contains(string(green), "Found by") {
		t.Errorf("a page without findings speaks of some: %v", err)
	}
}
