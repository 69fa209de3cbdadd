package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/joho/godotenv"

	"vivarium/sandbox"
)

var update = flag.Bool("update", false, "write .env.sample and the README's table of settings anew")

func TestConfigDefaults(t *testing.T) {
	c, problems := readConfig(nil, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if c.addr != ":8001" || c.build.Limits.Memory != 2<<30 || c.build.Limits.Pids != 512 ||
		c.build.Limits.Timeout != 15*time.Minute || c.build.KeptLog != 64<<20 {
		t.Errorf("addr %s, memory %d, pids %d, timeout %s, log limit %d",
			c.addr, c.build.Limits.Memory, c.build.Limits.Pids, c.build.Limits.Timeout, c.build.KeptLog)
	}
	if c.publicURL != nil || c.workers != 0 || c.apiURL.String() != "https://api.github.com" {
		t.Errorf("public URL %v, workers %d, API %s", c.publicURL, c.workers, c.apiURL)
	}
}

func TestConfigTakesEveryLimit(t *testing.T) {
	c, problems := readConfig([]string{"VIVARIUM_FILES=300", "VIVARIUM_INODES=5000", "VIVARIUM_LOG_RATE=1MiB"}, nil)
	if l := settingsOf(c, sandbox.Info{CPUs: 2}).Limits; len(problems) > 0 || l.OpenFiles != 300 || l.Inodes != 5000 ||
		c.build.Limits.LogRate != 1<<20 {
		t.Errorf("open files %d, inodes %d, log rate %d, %v", l.OpenFiles, l.Inodes, c.build.Limits.LogRate, problems)
	}
	c, problems = readConfig([]string{"VIVARIUM_LOG_RATE=0"}, nil)
	if len(problems) > 0 || c.build.Limits.LogRate != 0 {
		t.Errorf("log rate %d, %v; want 0 to stand for no limit", c.build.Limits.LogRate, problems)
	}
	c, problems = readConfig(nil, nil)
	if l := settingsOf(c, sandbox.Info{CPUs: 2}).Limits; len(problems) > 0 ||
		l.Limits != withDisk(sandbox.DefaultLimits(sandbox.Info{CPUs: 2}), c.build.Limits.Disk) {
		t.Errorf("the settings' defaults give %+v, the sandbox's own are others", l)
	}
}

// TestPublicRepositoriesOfTheServerAreOpen besides those of the hosts that are listed.
func TestPublicRepositoriesOfTheServerAreOpen(t *testing.T) {
	c, problems := readConfig([]string{"VIVARIUM_GIT_HOSTS=gitlab.com", "GITHUB_SERVER_URL=http://ghe.example:80"}, nil)
	s := settingsOf(c, sandbox.Info{CPUs: 2})
	if want := []string{"https://gitlab.com:443", "http://ghe.example:80"}; !slices.Equal(s.GitHosts, want) ||
		len(s.IndexHosts)+len(problems) > 0 {
		t.Errorf("got %q and %q, %v; want %q", s.GitHosts, s.IndexHosts, problems, want)
	}
}

// withDisk gives l the size of files that goes with a disk.
func withDisk(l sandbox.Limits, disk int64) sandbox.Limits {
	l.FileSize = disk
	return l
}

func TestEnvironmentWinsOverDotenv(t *testing.T) {
	c, problems := readConfig([]string{"VIVARIUM_MEMORY=512MiB"},
		map[string]string{"VIVARIUM_MEMORY": "1GiB", "VIVARIUM_DISK": "1GiB"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if c.build.Limits.Memory != 512<<20 || c.build.Limits.Disk != 1<<30 {
		t.Errorf("memory %d, disk %d", c.build.Limits.Memory, c.build.Limits.Disk)
	}
}

func TestConfigNamesVariableValueAndWhatIsAccepted(t *testing.T) {
	for _, tc := range []struct{ env, want string }{
		{"VIVARIUM_MEMRY=1GiB", "cannot use VIVARIUM_MEMRY: there is no such setting; did you mean VIVARIUM_MEMORY?"},
		{
			"VIVARIUM_MEMORY=lots",
			`cannot use VIVARIUM_MEMORY="lots": it must be a size such as 512MiB or 2GiB, at least 32 MiB`,
		},
		{"VIVARIUM_MEMORY=12", `cannot use VIVARIUM_MEMORY="12": it was taken as 12 bytes, and the least is 32 MiB`},
		{"VIVARIUM_MEMORY=1.5", `it was taken as 1 byte, and the least is 32 MiB`},
		{"VIVARIUM_DISK=2K", `it was taken as 2 KiB, and the least is 16 MiB`},
		{"VIVARIUM_LOG_LIMIT=64", `it was taken as 64 bytes, and the least is 64 KiB`},
		{"VIVARIUM_LOG_HARD_LIMIT=4", `it was taken as 4 bytes, and the least is 64 KiB`},
		{"VIVARIUM_LOG_RATE=32", `it was taken as 32 bytes, and the least is 64 KiB`},
		{"VIVARIUM_MEMORY_RESERVE=2", `it was taken as 2 bytes, and the least is 1 MiB`},
		{"VIVARIUM_PIDS=5", `it was taken as 5, and the least is 64`},
		{"VIVARIUM_FILES=16", `it was taken as 16, and the least is 256`},
		{"VIVARIUM_INODES=9", `it was taken as 9, and the least is 1024`},
		{"VIVARIUM_DISK=-1GiB", "VIVARIUM_DISK"},
		{"VIVARIUM_DISK=99999999999TiB", "VIVARIUM_DISK"},
		{"VIVARIUM_PIDS=0", `VIVARIUM_PIDS="0": it must be a whole number, at least 64`},
		{"VIVARIUM_CPUS=NaN", "VIVARIUM_CPUS"},
		{"VIVARIUM_FILES=many", "VIVARIUM_FILES"},
		{"VIVARIUM_INODES=1.5", "VIVARIUM_INODES"},
		{
			"VIVARIUM_LOG_RATE=-1",
			`VIVARIUM_LOG_RATE="-1": it must be a size such as 512MiB or 2GiB, at least 64 KiB, or 0 for no limit`,
		},
		{"VIVARIUM_WORKERS=two", "VIVARIUM_WORKERS"},
		{"VIVARIUM_TIMEOUT=15", `VIVARIUM_TIMEOUT="15": it must be a duration such as 90s or 15m`},
		{"VIVARIUM_ADDR=8001", "HOST:PORT or :PORT"},
		{"VIVARIUM_PUBLIC_URL=ci.example.org", "an http or https URL"},
		{"VIVARIUM_INDEX_URL=https://user:pw@pypi.example.org/simple/", "without user"},
		{"VIVARIUM_INDEX_ALLOW=10.0.0.1", "networks such as"},
		{"VIVARIUM_GIT_HOSTS=gitlab.com/group", "hosts such as"},
		{"VIVARIUM_INDEX_HOSTS=*", "hosts such as"},
		{"VIVARIUM_LOG_FORMAT=xml", "text or json"},
		{"VIVARIUM_STATUS_CONTEXT=vivarium 🐍", "without emoji"}, // GitHub answers 422 to each such status
		{"VIVARIUM_RUNNERS=Bad:Tag", "image repository"},
		{"VIVARIUM_DATABASE_URL=mysql://u:hunter2@db/x", "cannot use VIVARIUM_DATABASE_URL=[redacted]"},
		{
			"VIVARIUM_TLS_DOMAIN=https://ci.example.org",
			`VIVARIUM_TLS_DOMAIN="https://ci.example.org": it must be domain names in lower case`,
		},
		{"VIVARIUM_TLS_DIRECTORY=acme.example.org", "an http or https URL"},
		{"VIVARIUM_TRUSTED_PROXIES=127.0.0.1", "networks such as"},
		{"GITHUB_API_URL=ftp://x", "GITHUB_API_URL"},
	} {
		_, problems := readConfig([]string{tc.env}, nil)
		got := fmt.Sprint(errors.Join(problems...))
		if len(problems) != 1 || !strings.Contains(got, tc.want) || strings.Contains(got, "hunter2") {
			t.Errorf("%s: got %q, want %q", tc.env, got, tc.want)
		}
	}
}

func TestSecretsOfConfigArePrintedRedacted(t *testing.T) {
	const canary = "canary-4d2f"
	c, problems := readConfig([]string{"GITHUB_TOKEN=" + canary, "GITHUB_WEBHOOK_SECRET=" + canary,
		"VIVARIUM_DATABASE_URL=postgres://u:" + canary + "@db/x"}, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if string(c.token) != canary {
		t.Fatalf("control: the token is %q", string(c.token))
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(format, c); strings.Contains(s, canary) {
			t.Errorf("%s shows the secret", format)
		}
	}
	if got := secretsOf(c); len(got) != 3 || got[2] != canary {
		t.Errorf("to be masked: %d values", len(got))
	}
}

func TestEnvSampleListsEverySettingWithItsDefault(t *testing.T) {
	const file = "../../.env.sample"
	var want strings.Builder
	want.WriteString("# Settings of Vivarium. Copy to .env and keep that to yourself: chmod 600 .env\n" +
		"# The environment wins over this file. An empty value is the default.\n" +
		"# A $ in a value starts a variable; put a value that holds one into single quotes.\n")
	for _, v := range variables {
		fmt.Fprintf(&want, "\n# %s\n%s=%s\n", v.help, v.name, v.def)
	}
	compareFile(t, file, want.String())
	values, err := godotenv.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, problems := readConfig(nil, values); len(problems) > 0 {
		t.Errorf("the sample itself cannot be used: %v", problems)
	}
}

func TestReadmeTableIsTheTableOfSettings(t *testing.T) {
	const file = "../../README.md"
	readme, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- configuration table: held by a test in cmd/vivarium -->\n",
		"<!-- end of configuration table -->"
	before, rest, found := strings.Cut(string(readme), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("the README has no place for the table")
	}
	var table strings.Builder
	table.WriteString("\n| variable | default | meaning |\n|---|---|---|\n")
	for _, v := range variables {
		def := "–"
		if v.def != "" {
			def = "`" + v.def + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", v.name, def, v.help)
	}
	compareFile(t, file, before+begin+table.String()+"\n"+end+after)
}

// compareFile compares a file with want; with -update it writes want.
func compareFile(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s differs from the table of settings; run: go test ./cmd/vivarium -run 'EnvSample|Readme' -update",
			file)
	}
}
