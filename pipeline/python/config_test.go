package python

import (
	"strings"
	"testing"
	"time"
)

func TestRepositoryLowersLimits(t *testing.T) {
	plan := detect(t, map[string]string{"pyproject.toml": `
[tool.vivarium]
timeout = "90s"
memory = "512MiB"
cpus = 0.5
pids = 64
log_limit = 1048576
log_rate = "1MiB"
files = 256
`})
	want := operator
	want.Timeout, want.Memory, want.CPUs, want.Pids, want.LogLimit = 90*time.Second, 512<<20, 0.5, 64, 1<<20
	want.LogRate, want.OpenFiles = 1<<20, 256
	if plan.Limits != want {
		t.Errorf("got %+v, want %+v", plan.Limits, want)
	}
	if len(plan.Lowered) != 7 {
		t.Errorf("the plan names %q as lowered", plan.Lowered)
	}
}

func TestConfigurationMistakesSayWhatToDo(t *testing.T) {
	for setting, want := range map[string]string{
		`timeout = "16m"`:      "the operator's limit is 15 min",
		`timeout = 3600`:       "the operator's limit is 15 min",
		`timeout = "soon"`:     `"10m"`,
		`timeout = 0`:          `"10m"`,
		`timeout = true`:       `"10m"`,
		`memory = "3GiB"`:      "the operator's limit is 2 GiB",
		`memory = "much"`:      `"512MiB"`,
		`memory = -1`:          `"512MiB"`,
		`cpus = 3`:             "the operator's limit is 2",
		`cpus = nan`:           "above 0",
		`cpus = "2"`:           "above 0",
		`pids = 513`:           "the operator's limit is 512",
		`pids = 1.5`:           "whole number",
		`log_limit = "5GiB"`:   "the operator's limit is 4 GiB",
		`python = 3.12`:        `such as "3.12"`,
		`python = "latest"`:    `such as "3.12"`,
		`install = 3`:          "a command line in quotes",
		`install = ["a", 3]`:   "a command line in quotes",
		`test = 3`:             "a command line in quotes",
		`lint = 3`:             "a command line in quotes",
		`env = "MODE=quick"`:   "a table of names and texts",
		`env = { "A B" = "" }`: "a table of names and texts",
		`env = { A = 1.5 }`:    "A is none",
		`workdir = 3`:          "a folder of the checkout",
		`log_rate = "33MiB"`:   "the operator's limit is 32 MiB per second",
		`log_rate = 0`:         "at least 64 KiB",
		`log_rate = "1KiB"`:    "at least 64 KiB",
		`files = 16385`:        "the operator's limit is 16384",
		`files = 3`:            "at least 64",
		`index = "yes"`:        "true or false",
		`disk = "1GiB"`:        "[tool.vivarium] disk is the operator's alone; it is fixed before",
		`inodes = 5`:           "[tool.vivarium] inodes is the operator's alone; it is fixed before",
		`memory.max = "1GiB"`:  `"512MiB"`,
	} {
		t.Run(setting, func(t *testing.T) {
			e := detectError(t, map[string]string{"pyproject.toml": "[tool.vivarium]\n" + setting})
			if !strings.Contains(e.Error(), want) {
				t.Errorf("%v does not say %q", e, want)
			}
		})
	}
	e := detectError(t, map[string]string{"pyproject.toml": "[tool]\nvivarium = 3"})
	if !strings.Contains(e.Error(), "[tool.vivarium]") {
		t.Errorf("%v does not say how the table is written", e)
	}
}

func TestUnknownSettingsWarnWithTheNearestKnownOne(t *testing.T) {
	plan := detect(t, map[string]string{"pyproject.toml": "[tool.vivarium]\ntimeot = '1m'\nlog-limit = '1MiB'"})
	notes := strings.Join(plan.Notes, "\n")
	for _, want := range []string{`no setting "timeot"`, `did you mean "timeout"?`, `did you mean "log_limit"?`} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q does not say %s", notes, want)
		}
	}
	if plan.Limits != operator {
		t.Errorf("limits are %+v", plan.Limits)
	}
}

func TestRepositorySetsALogRateWhereTheOperatorHasNone(t *testing.T) {
	unlimited := operator
	unlimited.LogRate = 0
	c, err := parseConfig(map[string]any{"log_rate": "1GiB"}, unlimited)
	if err != nil || c.limits.LogRate != 1<<30 {
		t.Errorf("got %d, %v", c.limits.LogRate, err)
	}
}
