package suite

import (
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/ini"
)

// config is pytest's configuration in the repository.
type config struct {
	file     string   // that pytest reads; empty when there is none
	patterns []string // python_files; empty for pytest's own
	options  []string // addopts
}

// readConfig reads the first of the files in which pytest looks that configures it.
func readConfig(t *checkout.Tree) config {
	for _, name := range []string{"pytest.ini", ".pytest.ini"} {
		if data, ok := t.Read(name); ok {
			return configOf(name, ini.Parse(data)["pytest"])
		}
	}
	if data, ok := t.Read("pyproject.toml"); ok {
		if c, ok := tomlConfig(data); ok {
			return c
		}
	}
	for _, at := range []struct{ file, section string }{{"tox.ini", "pytest"}, {"setup.cfg", "tool:pytest"}} {
		data, _ := t.Read(at.file)
		if options, ok := ini.Parse(data)[at.section]; ok {
			return configOf(at.file, options)
		}
	}
	return config{}
}

func configOf(file string, options map[string]string) config {
	return config{
		file:     file,
		patterns: strings.Fields(options["python_files"]),
		options:  strings.Fields(options["addopts"]),
	}
}

// tomlConfig reads [tool.pytest.ini_options], or [tool.pytest] of pytest 9. The plan has parsed the
// file already, so that its mistakes are told elsewhere.
func tomlConfig(data []byte) (config, bool) {
	var doc struct {
		Tool struct {
			Pytest map[string]any `toml:"pytest"`
		} `toml:"tool"`
	}
	if toml.Unmarshal(data, &doc) != nil || doc.Tool.Pytest == nil {
		return config{}, false
	}
	options := doc.Tool.Pytest
	if old, ok := options["ini_options"].(map[string]any); ok {
		options = old
	}
	return config{
		file: "pyproject.toml", patterns: words(options["python_files"]), options: words(options["addopts"]),
	}, true
}

// words are the words of a string or of a list of strings.
func words(v any) []string {
	switch v := v.(type) {
	case string:
		return strings.Fields(v)
	case []any:
		var all []string
		for _, item := range v {
			s, _ := item.(string)
			all = append(all, strings.Fields(s)...)
		}
		return all
	}
	return nil
}

// matches reports whether the repository's own patterns take the name for that of a test file.
func (c config) matches(base string) bool {
	return slices.ContainsFunc(c.patterns, func(pattern string) bool {
		ok, _ := path.Match(path.Base(pattern), base)
		return ok
	})
}

// quiet counts how often the options ask for less output. Asked twice, pytest leaves out its summary.
func (c config) quiet() int {
	n := 0
	for _, o := range c.options {
		switch {
		case o == "--quiet":
			n++
		case strings.HasPrefix(o, "-q") && strings.Trim(o[1:], "q") == "":
			n += len(o) - 1
		case o == "--verbose":
			n--
		case strings.HasPrefix(o, "-v") && strings.Trim(o[1:], "v") == "":
			n -= len(o) - 1
		}
	}
	return n
}
