package fix

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline/limits"
	"vivarium/sandbox"
	"vivarium/server/registry"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/entries"
	"vivarium/server/store/people"
	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// bench runs the command against a registry with one pattern.
func bench(t *testing.T) (run func(args ...string) (string, error), list *entries.Entries) {
	t.Helper()
	list = entries.New(databasetest.SQLite(t))
	by := people.Actor{Who: "a test"}
	if _, err := list.Add(t.Context(), by, registry.Pattern, "school/group-*"); err != nil {
		t.Fatal(err)
	}
	r := Registry{
		Entries: list, By: by,
		Limits:  limits.Limits{Limits: sandbox.Limits{Memory: 2 << 30}, Timeout: 15 * time.Minute},
		Explain: func(verb, name string, err error) error { return errors.Join(errors.New(verb+" "+name), err) },
	}
	return func(args ...string) (string, error) {
		var out bytes.Buffer
		cmd := Command(Streams{In: strings.NewReader("timeout = '3m'\n"), Out: &out},
			func(_ context.Context, f func(Registry) error) error { return f(r) })
		cmd.SetArgs(args)
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}, list
}

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fixed.toml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestWhatIsFixedIsKeptShownAndCleared(t *testing.T) {
	run, list := bench(t)
	expect := func(want string, args ...string) {
		t.Helper()
		if got, err := run(args...); err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", args, got, err, want)
		}
	}
	all := file(t, "install = 'pip install pytest'\ntest = 'python -m pytest'\n")
	expect("# nothing is fixed\n", "school/group-*")
	expect("Fixed of school/group-*: install, test.\n", "school/group-*", all)
	expect("install = 'pip install pytest'\ntest = 'python -m pytest'\n", "school/group-7")
	expect("Fixed of school/group-7: timeout.\n", "school/group-7", "-")
	expect("timeout = '3m'\n", "school/group-7")
	expect("Fixed of school/group-8: nothing.\n", "school/group-8", file(t, "\n"))
	expect("# nothing\n", "school/group-8")
	expect("Nothing is fixed by the entry school/group-7 any more.\n", "school/group-7", "--clear")
	expect("install = 'pip install pytest'\ntest = 'python -m pytest'\n", "school/group-7")
	expect("Fixed of school/group-*: test.\n"+
		"Not fixed: install. What a repository installs, and pytest's settings in its files, "+
		"can change what your tests say.\n", "school/group-*", file(t, "test = 'python -m pytest'\n"))
	if got, err := list.FixedFor(t.Context(), registry.Origin{Name: "school/group-1"}); err != nil ||
		got != "test = 'python -m pytest'" {
		t.Errorf("the registry has %q, %v", got, err)
	}
}

func TestWhatABuildCouldNotGoByIsRefused(t *testing.T) {
	run, list := bench(t)
	for text, want := range map[string]string{
		"test = = 1":                    "line 1, column 8",
		"tset = 'a'":                    `did you mean "test"?`,
		"timeout = '16m'":               "the operator's limit is 15 min",
		"[overlay]\nrepository = 'a/b'": "is not the whole ID",
		"branches = 'main'":             "an array of at most 100 patterns",
		"tags = 'yes'":                  "write true or false",
	} {
		if out, err := run("school/group-*", file(t, text)); err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("%q: got %q, %v; want %q", text, out, err, want)
		}
	}
	for _, args := range [][]string{
		{"school/group-*", "/no/such/file"}, {"other/one", "-"}, {"school/group-*", "-", "--clear"},
	} {
		if out, err := run(args...); err == nil {
			t.Errorf("%q: got %q", args, out)
		}
	}
	if got, err := list.FixedFor(t.Context(), registry.Origin{Name: "school/group-1"}); err != nil || got != "" {
		t.Errorf("the registry has %q, %v", got, err)
	}
	if _, err := Check("cpus = 64", limits.Limits{}); err != nil {
		t.Errorf("CPUs, of which the engine decides: %v", err)
	}
}
