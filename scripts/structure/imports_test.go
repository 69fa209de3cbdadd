package structure

import (
	"slices"
	"strings"
	"testing"
)

// onlyIn are modules that only some of our packages may import.
var onlyIn = map[string][]string{
	"github.com/hashicorp/yamux": {"sandbox", "sandbox/wire", "cmd/vivarium-init"},
	"github.com/docker/docker": {
		"sandbox",
		"sandbox/engineproxy",
		"sandbox/runc",
		"sandbox/stdio",
		"images",
		"images/imagestest",
		"sandbox/posture",
	},
	"github.com/docker/go-units":  {"sandbox/quantity"}, // what people read is written in one place
	"github.com/labstack/echo/v4": {"server"},
	"gorm.io": {
		"server/store",
		"server/store/buildlog",
		"server/store/builds",
		"server/store/database",
		"server/store/entries",
		"server/store/notices",
		"server/store/outbox",
		"server/store/people",
		"server/store/polls",
		"server/store/pulls",
		"server/store/queue",
		"server/store/queue/deaths",
		"server/store/queue/usage",
		"server/store/testruns",
		"server/store/storetest",
		"server/store/watched",
	},
	"github.com/riverqueue": {
		"server/store/outbox",
		"server/store/queue",
		"server/store/database",
		"server/store/database/bell",
	},
	"github.com/google/go-github": {"server/github"},
	"github.com/wneessen/go-mail": {"server/notify/post"},
}

// tools are programs for the project's own developers; nothing of the product imports them.
var tools = []string{
	"scripts", "cmd/attack", "cmd/bench", "cmd/corpus", "cmd/cpython", "cmd/demo", "cmd/internal/", "cmd/outward",
	"cmd/suites",
}

func TestImportsGoOneWay(t *testing.T) {
	seen := 0
	for dir, files := range packages(parseTree(t)) {
		if slices.ContainsFunc(tools, func(prefix string) bool { return strings.HasPrefix(dir, prefix) }) {
			continue
		}
		seen++
		for _, problem := range importProblems(dir, importsOf(files)) {
			t.Error(problem)
		}
	}
	if seen != len(mayImport) {
		t.Errorf("%d packages were looked at, and %d have a place in the table of imports", seen, len(mayImport))
	}
}

// TestImportRuleSeesViolations is the control: the rule finds what it is there for.
func TestImportRuleSeesViolations(t *testing.T) {
	for _, tc := range []struct{ pkg, imported string }{
		{"pipeline", "vivarium/server/store"},
		{"sandbox", "vivarium/pipeline"},
		{"server/github", "vivarium/server"},
		{"pipeline", "github.com/docker/docker/client"},
		{"server", "github.com/hashicorp/yamux"},
		{"unheard/of", "fmt"},
	} {
		if len(importProblems(tc.pkg, []string{tc.imported})) == 0 {
			t.Errorf("%s may import %s", tc.pkg, tc.imported)
		}
	}
	if problems := importProblems("server/store",
		[]string{"vivarium/pipeline", "gorm.io/gorm", "fmt"}); problems != nil {
		t.Errorf("what is allowed is refused: %q", problems)
	}
}

func importProblems(pkg string, imports []string) []string {
	allowed, known := mayImport[pkg]
	if !known {
		return []string{pkg + " has no place in the table of imports"}
	}
	var problems []string
	for _, imported := range imports {
		if ours, ok := strings.CutPrefix(imported, module); ok && !slices.Contains(allowed, ours) {
			problems = append(problems, pkg+" imports "+ours)
		}
		for module, users := range onlyIn {
			if strings.HasPrefix(imported, module) && !slices.Contains(users, pkg) {
				problems = append(problems, pkg+" imports "+imported)
			}
		}
	}
	return problems
}
