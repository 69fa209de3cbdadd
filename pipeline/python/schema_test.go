package python

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"vivarium/pipeline/python/schema"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema.Text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("vivarium.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("vivarium.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTheSchemaAcceptsWhatTheParserAccepts: what an editor underlines is what a build refuses or warns of.
func TestTheSchemaAcceptsWhatTheParserAccepts(t *testing.T) {
	s := compiled(t)
	long := strings.Repeat("x", maxCommand+1)
	for text, want := range map[string]bool{
		``: true, `python = "3"`: true, `python = "3.12"`: true, `python = "3.12.1"`: true,
		`python = 3.12`: false, `python = "latest"`: false, `python = ""`: false, `python = "3.12.1.2"`: false,
		`workdir = "a/b"`: true, `workdir = "."`: true, `workdir = "..a"`: true,
		`workdir = "/a"`: false, `workdir = ".."`: false, `workdir = "../a"`: false, `workdir = 1`: false,
		`install = "pip install x"`: true, `install = []`: true, `install = ["a", "b"]`: true,
		`install = 1`: false, `install = ["a", 1]`: false, `install = {}`: false, `install = "` + long + `"`: false,
		`lint = "mypy ."`: true, `lint = false`: false, `test = ["a"]`: true, `test = [["a"]]`: false,
		`env = {}`: true, `env = { A = "b", _b = 1, C = true }`: true,
		`env = { A = 1.5 }`: false, `env = { "A B" = "" }`: false, `env = ["A=b"]`: false, `env = { 1A = "" }`: false,
		`history = true`: true, `history = "yes"`: false, `history = 1`: false,
		`index = true`: true, `index = "yes"`: false,
		`test_timeout = "60s"`: true, `test_timeout = 60`: true, `test_timeout = 0`: false, `test_timeout = "soon"`: false,
		`hash_seed = 0`: true, `hash_seed = 4294967295`: true, `hash_seed = 4294967296`: false, `hash_seed = -1`: false,
		`hash_seed = "1"`:                          false,
		`branches = ["main", "release/*", "!wip"]`: true, `branches = "main"`: false, `branches = []`: false,
		`paths = ["*.py"]`: true, `paths = [""]`: false, `paths = ["!"]`: false,
		`paths = ["a\nb"]`: false, `paths = [1]`: false,
		`timeout = "10m"`: true, `timeout = "1m30s"`: true, `timeout = "1.5m"`: true, `timeout = 60`: true,
		`timeout = "soon"`: false, `timeout = 0`: false, `timeout = "0s"`: false, `timeout = "-1m"`: false,
		`timeout = 1.5`: false, `timeout = "10"`: false, `timeout = true`: false,
		`memory = "512MiB"`: true, `memory = "1.5 GiB"`: true, `memory = "1g"`: true, `memory = 1048576`: true,
		`memory = "much"`: false, `memory = 0`: false, `memory = "0"`: false, `memory = 1.5`: false, `memory = "-1g"`: false,
		`log_limit = "16MiB"`: true, `log_limit = []`: false,
		`log_rate = "1MiB"`: true, `log_rate = 65536`: true, `log_rate = 65535`: false, `log_rate = 0`: false,
		`cpus = 1`: true, `cpus = 0.5`: true, `cpus = 0`: false, `cpus = -1`: false, `cpus = "1"`: false,
		`pids = 64`: true, `pids = 0`: false, `pids = 1.5`: false, `files = 64`: true, `files = 63`: false,
		`disk = "1GiB"`: false, `tests = "a"`: false, `log-limit = 1`: false,
	} {
		var table map[string]any
		if err := toml.Unmarshal([]byte(text), &table); err != nil {
			t.Fatal(err)
		}
		c, err := parseConfig(table, operator)
		parsed := err == nil && len(c.notes) == 0
		data, failed := json.Marshal(table)
		if failed != nil {
			t.Fatal(failed)
		}
		if table == nil {
			data = []byte("{}")
		}
		value, failed := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
		if failed != nil {
			t.Fatal(failed)
		}
		invalid := s.Validate(value)
		if parsed != want || (invalid == nil) != want {
			t.Errorf("%.60s: the parser says %v %q, the schema %v; want it accepted %t", text, err, c.notes, invalid, want)
		}
	}
}

func TestTheSchemaKnowsEachSettingAndNoOther(t *testing.T) {
	var doc struct {
		Properties map[string]struct{ Description string }
	}
	if err := json.Unmarshal([]byte(schema.Text), &doc); err != nil {
		t.Fatal(err)
	}
	got, want := slices.Sorted(maps.Keys(doc.Properties)), slices.Sorted(maps.Keys(settings))
	if !slices.Equal(got, want) {
		t.Errorf("the schema has %q, the parser %q", got, want)
	}
	for name, p := range doc.Properties {
		if p.Description == "" {
			t.Errorf("%s is not described", name)
		}
	}
	published, err := os.ReadFile("../../docs/vivarium.schema.json")
	if err != nil || string(published) != schema.Text {
		t.Errorf("docs/vivarium.schema.json is not what is embedded: %v", fmt.Sprint(err))
	}
}
