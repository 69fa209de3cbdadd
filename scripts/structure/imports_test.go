package structure

import (
	"slices"
	"strings"
	"testing"
)

// mayImport is the direction of imports (ARCHITECTURE.md): for each package of ours, those of ours
// that its code, tests aside, may import. A package that is missing here has no place yet.
var mayImport = map[string][]string{
	"cmd/vivarium": {
		"cmd/vivarium/console",
		"pipeline/python/schema",
		"cmd/vivarium/datadir",
		"cmd/vivarium/doctor",
		"cmd/vivarium/dotenv",
		"cmd/vivarium/fix",
		"cmd/vivarium/personaltoken",
		"cmd/vivarium/redact",
		"cmd/vivarium/remote",
		"cmd/vivarium/worktree",
		"server",
		"server/dispatch",
		"server/https",
		"server/github",
		"server/registry",
		"server/store",
		"server/store/database/trouble",
		"pipeline",
		"pipeline/hosts",
		"pipeline/mask",
		"pipeline/results",
		"pipeline/termtext",
		"images",
		"sandbox",
		"sandbox/egress",
		"sandbox/posture",
		"sandbox/capacity",
		"sandbox/quantity",
		"server/store/database",
		"server/store/buildlog",
		"server/store/builds",
		"server/store/entries",
		"server/store/outbox",
		"server/store/people",
		"server/store/retention",
		"server/store/queue",
		"server/api",
		"server/junit",
		"server/store/testruns",
	},
	"cmd/vivarium/datadir": {},
	"cmd/vivarium/doctor": {
		"cmd/vivarium/datadir",
		"cmd/vivarium/dotenv",
		"cmd/vivarium/remote",
		"images",
		"pipeline",
		"pipeline/termtext",
		"sandbox",
		"sandbox/posture",
		"sandbox/quantity",
		"server/github",
		"server/https",
		"server/store/outbox",
	},
	"cmd/vivarium/console": {
		"pipeline",
		"pipeline/mask",
		"pipeline/results",
		"pipeline/termtext",
		"sandbox/quantity",
	},
	"cmd/vivarium/dotenv":        {},
	"cmd/vivarium/personaltoken": {"cmd/vivarium/dotenv", "pipeline", "server", "server/github"},
	"cmd/vivarium/fix": {
		"pipeline/fixed",
		"pipeline/limits",
		"pipeline/python",
		"server/registry",
		"server/store/entries",
		"server/store/people",
	},
	"cmd/vivarium/redact":           {},
	"cmd/vivarium/remote":           {"cmd/vivarium/redact", "pipeline", "pipeline/termtext"},
	"cmd/vivarium-init":             {"sandbox/report", "sandbox/wire"},
	"cmd/vivarium/worktree":         {"cmd/vivarium/worktree/history", "sandbox/quantity"},
	"cmd/vivarium/worktree/history": {},
	"server": {
		"server/api",
		"server/cookie",
		"server/docs",
		"server/https",
		"server/incoming",
		"server/logtext",
		"server/shares",
		"server/throttle",
		"server/github",
		"server/registry",
		"server/store",
		"server/store/database/trouble",
		"server/web",
		"pipeline",
		"sandbox/quantity",
		"server/store/database",
		"server/store/buildlog",
		"server/store/builds",
		"server/store/outbox",
		"server/store/people",
		"server/store/queue",
		"server/testlist",
		"server/stream",
		"server/logpage",
	},
	"server/dispatch": {
		"pipeline/fixed",
		"server/registry",
		"server/github",
		"server/store",
		"pipeline",
		"pipeline/outward",
		"sandbox/quantity",
		"server/store/builds",
	},
	"server/api": {
		"pipeline",
		"pipeline/environment",
		"pipeline/limits",
		"pipeline/results",
		"server/store/environments",
		"server/store/outbox",
		"server/store/testruns",
		"server/store/testhistory",
	},
	"server/cookie":   {"server/store/people"},
	"server/docs":     {},
	"server/https":    {},
	"server/logtext":  {"pipeline", "pipeline/termtext", "server/store/buildlog"},
	"server/incoming": {},
	"server/junit":    {"pipeline", "pipeline/results", "server/store/testruns"},
	"server/stream":   {},
	"server/testlist": {
		"pipeline",
		"pipeline/results",
		"server/api",
		"server/junit",
		"server/store/testruns",
		"server/web",
		"server/store/testhistory",
	},
	"server/logpage": {
		"pipeline",
		"sandbox/quantity",
		"server/logtext",
		"server/store/buildlog",
		"server/web",
	},
	"server/shares":       {},
	"server/throttle":     {"server/shares"},
	"pipeline/outward":    {"pipeline", "pipeline/mask", "pipeline/results", "sandbox"},
	"server/store/packed": {},
	"server/store/testruns": {
		"pipeline/results", "pipeline/termtext", "server/store/database", "server/store/packed",
	},
	"server/store/database/bell":    {},
	"server/store/database/dirlock": {},
	"server/store/queue/intake":     {},
	"server/store/database/trouble": {},
	"server/web": {
		"pipeline",
		"pipeline/environment",
		"pipeline/findings",
		"pipeline/results",
		"sandbox/quantity",
		"server/verdict",
	},
	"server/github":   {"pipeline"},
	"server/registry": {"sandbox/quantity"},
	"server/store/builds": {
		"pipeline",
		"pipeline/results",
		"pipeline/findings",
		"pipeline/limits",
		"server/registry",
		"server/store/database",
		"server/verdict",
	},
	"server/store/buildlog": {
		"pipeline",
		"pipeline/mask",
		"pipeline/results",
		"server/store/builds",
		"server/store/database",
		"server/store/packed",
		"server/store/testruns",
	},
	"server/store/database": {
		"server/store/database/bell",
		"server/store/database/dirlock",
		"server/store/database/trouble",
	},
	"server/store/database/databasetest": {
		"server/store/database",
		"server/store/storetest",
	},
	"server/store/entries": {
		"pipeline",
		"server/registry",
		"server/store/builds",
		"server/store/database",
		"server/store/people",
	},
	"server/store/people": {
		"server/store/database",
	},
	"server/store/queue": {
		"server/store/loop",
		"pipeline",
		"server/registry",
		"server/store/builds",
		"server/store/database",
		"server/store/database/trouble",
		"server/store/entries",
		"server/store/people",
		"server/store/queue/intake",
		"server/store/queue/patience",
		"server/verdict",
	},
	"server/store/retention": {
		"pipeline",
		"server/store/buildlog",
		"server/store/builds",
		"server/store/database",
		"server/store/entries",
		"server/store/outbox",
		"server/store/people",
		"server/store/queue",
	},
	"server/store/testhistory": {
		"pipeline",
		"pipeline/environment",
		"pipeline/results",
		"server/store/builds",
		"server/store/database",
		"server/store/environments",
		"server/store/testruns",
	},
	"server/store/environments": {
		"pipeline",
		"pipeline/environment",
		"server/store/builds",
		"server/store/database",
	},
	"server/store": {
		"server/store/environments",
		"server/store/testhistory",
		"server/store/loop",
		"pipeline",
		"server/store/outbox",
		"server/store/retention",
		"server/store/testruns",
		"server/store/queue",
		"server/store/buildlog",
		"server/store/database",
		"server/store/builds",
		"server/store/people",
		"server/store/entries",
	},
	"pipeline": {
		"pipeline/environment",
		"pipeline/fixed",
		"pipeline/ownfiles",
		"pipeline/results",
		"pipeline/python/reporter",
		"pipeline/hosts",
		"pipeline/limits",
		"pipeline/retry",
		"pipeline/tester",
		"pipeline/gitline",
		"pipeline/pace",
		"pipeline/notes",
		"pipeline/lastwords",
		"pipeline/python",
		"pipeline/python/suite",
		"pipeline/testreport",
		"pipeline/python/contract",
		"pipeline/python/checkout",
		"pipeline/python/interpreter",
		"pipeline/shell",
		"pipeline/mask",
		"pipeline/findings",
		"pipeline/pipend",
		"pipeline/pipwords",
		"pipeline/sentence",
		"pipeline/termtext",
		"images",
		"pipeline/supply",
		"sandbox",
		"sandbox/egress",
		"sandbox/quantity",
	},
	"server/store/outbox": {
		"pipeline",
		"pipeline/sentence",
		"server/store/builds",
		"server/store/database",
	},
	"server/store/queue/patience": {"pipeline", "sandbox/quantity"},
	"server/verdict":              {"pipeline"},
	"pipeline/fixed":              {"sandbox", "sandbox/quantity"},
	"pipeline/ownfiles":           {"pipeline/fixed", "pipeline/python", "pipeline/termtext", "sandbox"},
	"pipeline/python": {
		"pipeline/fixed",
		"pipeline/hosts",
		"pipeline/limits",
		"pipeline/shell",
		"pipeline/python/checkout",
		"pipeline/python/contract",
		"pipeline/python/suite",
		"pipeline/python/declared",
		"pipeline/python/ini",
		"pipeline/python/interpreter",
		"pipeline/python/requirement",
		"pipeline/reason",
		"pipeline/termtext",
		"sandbox",
		"sandbox/quantity",
	},
	"pipeline/python/checkout": {"sandbox"},
	"pipeline/python/schema":   {},
	"pipeline/python/declared": {
		"pipeline/python/checkout",
		"pipeline/python/ini",
		"pipeline/python/interpreter",
		"pipeline/python/requirement",
	},
	"pipeline/python/ini":         {},
	"pipeline/python/interpreter": {"pipeline/python/checkout"},
	"pipeline/python/requirement": {"pipeline/python/checkout"},
	"pipeline/pipend":             {"sandbox"},
	"pipeline/lastwords":          {"pipeline/lines", "pipeline/termtext", "sandbox"},
	"pipeline/notes":              {"pipeline/termtext"},
	"pipeline/hosts":              {},
	"pipeline/supply": {
		"pipeline/hosts",
		"pipeline/python",
		"sandbox",
		"sandbox/egress",
		"sandbox/egress/repositories",
	},
	"pipeline/pace":    {},
	"pipeline/gitline": {"sandbox"},
	"pipeline/tester": {
		"pipeline/findings",
		"pipeline/lastwords",
		"pipeline/python",
		"pipeline/python/checkout",
		"pipeline/python/suite",
		"pipeline/reason",
		"pipeline/results",
		"pipeline/testreport",
		"sandbox",
	},
	"pipeline/mask":        {},
	"pipeline/findings":    {"pipeline/lines", "pipeline/reason", "pipeline/sentence", "pipeline/termtext"},
	"pipeline/reason":      {},
	"pipeline/lines":       {},
	"pipeline/pipwords":    {"pipeline/findings", "pipeline/lines", "sandbox"},
	"pipeline/sentence":    {},
	"pipeline/termtext":    {},
	"pipeline/environment": {},
	"images":               {},
	"sandbox":              {"sandbox/hidden", "sandbox/quantity", "sandbox/runc", "sandbox/stdio", "sandbox/wire"},
	"sandbox/hidden":       {},
	"sandbox/report":       {},
	"sandbox/runc":         {},
	"sandbox/stdio":        {},
	"sandbox/wire":         {},
	"sandbox/egress": {
		"sandbox/egress/simpleindex",
		"sandbox/egress/watchdog",
		"sandbox/filecache",
		"sandbox/quantity",
	},
	"sandbox/egress/watchdog":               {"sandbox/quantity"},
	"pipeline/retry":                        {"pipeline/results"},
	"sandbox/egress/repositories":           {"sandbox/egress"},
	"sandbox/filecache":                     {},
	"server/servertest":                     {},
	"server/store/storetest":                {},
	"server/store/loop":                     {},
	"server/store/queue/queuetest":          {"pipeline", "server/store/queue"},
	"images/imagestest":                     {"images"},
	"server/github/githubtest":              {"server/github", "pipeline"},
	"sandbox/egress/egresstest":             {},
	"sandbox/engineproxy":                   {},
	"sandbox/eventually":                    {},
	"sandbox/egress/simpleindex":            {},
	"sandbox/posture":                       {"sandbox", "sandbox/runc", "sandbox/quantity"},
	"sandbox/capacity":                      {"sandbox", "sandbox/quantity"},
	"sandbox/quantity":                      {},
	"pipeline/limits":                       {"sandbox", "sandbox/quantity"},
	"pipeline/shell":                        {},
	"pipeline/python/checkout/checkouttest": {"pipeline/python/checkout", "sandbox"},
	"pipeline/python/contract":              {"pipeline/python/checkout", "pipeline/python/ini", "sandbox/quantity"},
	"pipeline/python/source":                {},
	"pipeline/python/reporter":              {},
	"pipeline/python/suite": {
		"pipeline/python/checkout", "pipeline/python/ini", "pipeline/python/reporter", "pipeline/python/source",
	},
	"pipeline/results":    {},
	"pipeline/testreport": {},
}

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
		"server/store/outbox",
		"server/store/people",
		"server/store/queue",
		"server/store/testruns",
		"server/store/storetest",
	},
	"github.com/riverqueue": {
		"server/store/outbox",
		"server/store/queue",
		"server/store/database",
		"server/store/database/bell",
	},
	"github.com/google/go-github": {"server/github"},
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
