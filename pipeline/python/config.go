package python

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"

	"vivarium/pipeline/fixed"
	"vivarium/pipeline/limits"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/wanted"
	"vivarium/sandbox"
	"vivarium/sandbox/quantity"
)

// config is [tool.vivarium] of pyproject.toml, applied to the operator's limits.
type config struct {
	python   string
	workdir  string
	install  []checkout.Command
	installs bool // install is set, be it to nothing
	history  bool
	lint     []checkout.Command // besides the contract's
	lints    bool               // lint is set, be it to nothing
	index    bool               // the package index stays open while it is linted and tested
	test     []checkout.Command
	tests    bool     // test is set, be it to nothing
	env      []string // NAME=value
	wanted   wanted.Filter
	limits   limits.Limits
	fixed    fixed.Part // by the operator; its settings are taken in place of the repository's
	ignored  []string   // settings of the repository's that are fixed
	running  Running
	lowered  []string
	notes    []string
}

// settings are the keys of [tool.vivarium], each with the function that takes its value.
var settings = map[string]func(*config, any) error{
	"python":  (*config).setPython,
	"workdir": (*config).setWorkdir,
	"install": (*config).setInstall,
	"history": func(c *config, v any) error { return setSwitch(&c.history, v) },
	"index":   func(c *config, v any) error { return setSwitch(&c.index, v) },
	"lint":    (*config).setLint,
	"test":    (*config).setTest,
	"env":     (*config).setEnv,

	"branches": func(c *config, v any) (err error) { c.wanted.Branches, err = wanted.ReadPatterns(v); return err },
	"paths":    func(c *config, v any) (err error) { c.wanted.Paths, err = wanted.ReadPatterns(v); return err },

	"timeout": (*config).setTimeout,

	"test_timeout": (*config).setTestTimeout,
	"hash_seed":    (*config).setHashSeed,

	"memory":    func(c *config, v any) error { return c.lowerSize(&c.limits.Memory, v) },
	"log_limit": func(c *config, v any) error { return c.lowerSize(&c.limits.LogLimit, v) },
	"log_rate":  (*config).setLogRate,
	"cpus":      (*config).setCPUs,
	"pids":      func(c *config, v any) error { return lowerCount(&c.limits.Pids, v, 1) },
	"files":     func(c *config, v any) error { return lowerCount(&c.limits.OpenFiles, v, sandbox.MinOpenFiles) },
}

// mostUnknown bounds how many settings that there are not are compared with those that there are.
const mostUnknown = 20

// choices are the settings that are no limits.
var choices = []string{
	"python", "workdir", "install", "lint", "test", "env", "history", "index", "test_timeout", "hash_seed",
	"branches", "paths",
}

// operatorsOnly are limits that are fixed when the container starts, each with the reason why no
// repository can lower it.
var operatorsOnly = map[string]string{
	"disk":   "VIVARIUM_DISK",
	"inodes": "VIVARIUM_INODES",
}

// minLogRate is the lowest rate, so that the output still on its way when a command ends takes no
// longer than the build's grace.
const minLogRate = 64 << 10

// parseConfig parses the table and checks it against what the operator allows: a repository can
// lower a limit, never raise it.
func parseConfig(table any, operator limits.Limits) (config, error) {
	c := config{limits: operator}
	return c, c.take(table)
}

// take takes the settings of a repository, but for those that are fixed.
func (c *config) take(table any) error {
	if table == nil {
		return nil
	}
	values, ok := table.(map[string]any)
	if !ok {
		return configError("tool.vivarium is not a table", "write it as [tool.vivarium] with one setting a line")
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		set, known := settings[key]
		if c.fixed.Fixes(key) {
			c.ignored = append(c.ignored, key)
			continue
		}
		if variable := operatorsOnly[key]; variable != "" {
			return configError(fmt.Sprintf("[tool.vivarium] %s is the operator's alone", key),
				fmt.Sprintf("it is fixed before the repository is known (%s); take the line out", variable))
		}
		if !known {
			c.noteUnknown(key)
			continue
		}
		if err := set(c, values[key]); err != nil {
			return configError(fmt.Sprintf("[tool.vivarium] %s = %v", key, values[key]), err.Error())
		}
		if !slices.Contains(choices, key) {
			c.lowered = append(c.lowered, fmt.Sprintf("%s = %v by [tool.vivarium]", key, values[key]))
		}
	}
	return nil
}

// noteUnknown says that there is no such setting.
func (c *config) noteUnknown(key string) {
	switch {
	case len(c.notes) < mostUnknown:
		c.notes = append(c.notes, fmt.Sprintf("[tool.vivarium] has no setting %q, so that line counts for nothing; "+
			"did you mean %q?", key, nearest(key)))
	case len(c.notes) == mostUnknown:
		c.notes = append(c.notes, "[tool.vivarium] has more settings that count for nothing")
	}
}

func configError(problem, advice string) error {
	return &checkout.Mistake{File: pyproject, Problem: problem, Advice: advice}
}

func nearest(key string) string {
	return slices.MinFunc(slices.Sorted(maps.Keys(settings)), func(a, b string) int {
		return levenshtein.ComputeDistance(key, a) - levenshtein.ComputeDistance(key, b)
	})
}

var release = regexp.MustCompile(`^[0-9]+(\.[0-9]+){0,2}$`)

func (c *config) setPython(v any) error {
	s, ok := v.(string)
	if !ok || !release.MatchString(s) {
		return fmt.Errorf(`write a release in quotes, such as "3.12"`)
	}
	c.python = s
	return nil
}

func (c *config) setWorkdir(v any) error {
	s, ok := v.(string)
	if s = path.Clean(s); !ok || path.IsAbs(s) || s == ".." || strings.HasPrefix(s, "../") {
		return fmt.Errorf(`write a folder of the checkout, such as "backend"`)
	}
	c.workdir = s
	return nil
}

func setSwitch(to *bool, v any) error {
	var ok bool
	if *to, ok = v.(bool); !ok {
		return fmt.Errorf("write true or false")
	}
	return nil
}

func (c *config) setTestTimeout(v any) error {
	if c.running.TestTimeout = duration(v); c.running.TestTimeout == 0 {
		return errDuration
	}
	return nil
}

func (c *config) setHashSeed(v any) error {
	n, ok := v.(int64)
	if !ok || n < 0 || n > math.MaxUint32 {
		return fmt.Errorf("write a number from 0, which switches the randomness of hashes off, to 4294967295")
	}
	c.running.HashSeed = strconv.FormatInt(n, 10)
	return nil
}

var errDuration = errors.New(`write a time such as "10m" or "90s", or a number of seconds`)

// duration is a time as a setting; zero for none.
func duration(v any) time.Duration {
	var d time.Duration
	switch v := v.(type) {
	case string:
		d, _ = time.ParseDuration(v)
	case int64:
		if v < int64(time.Duration(1<<63-1)/time.Second) {
			d = time.Duration(v) * time.Second
		}
	}
	return max(0, d)
}

func (c *config) setTimeout(v any) error {
	d := duration(v)
	if d == 0 {
		return errDuration
	}
	if d > c.limits.Timeout {
		return tooHigh(quantity.Duration(c.limits.Timeout))
	}
	c.limits.Timeout = d
	return nil
}

func (c *config) lowerSize(limit *int64, v any) error {
	n := sizeOf(v)
	if n <= 0 {
		return fmt.Errorf(`write a size such as "512MiB", or a number of bytes`)
	}
	if n > *limit {
		return tooHigh(quantity.Bytes(*limit))
	}
	*limit = n
	return nil
}

// sizeOf parses a size in bytes; 0 is not a size.
func sizeOf(v any) int64 {
	switch v := v.(type) {
	case string:
		n, _ := quantity.ParseBytes(v)
		return n
	case int64:
		return v
	}
	return 0
}

// setLogRate lowers the rate. The operator may have set none.
func (c *config) setLogRate(v any) error {
	n, limit := sizeOf(v), c.limits.LogRate
	switch {
	case n < minLogRate:
		return fmt.Errorf(`write a size per second such as "1MiB", at least %s`, quantity.Bytes(minLogRate))
	case limit > 0 && n > limit:
		return tooHigh(quantity.Bytes(limit) + " per second")
	}
	c.limits.LogRate = n
	return nil
}

func (c *config) setCPUs(v any) error {
	var n float64
	switch v := v.(type) {
	case float64:
		n = v
	case int64:
		n = float64(v)
	}
	if !(n > 0) {
		return fmt.Errorf("write a number above 0, such as 0.5 or 1")
	}
	if n > c.limits.CPUs {
		return tooHigh(strconv.FormatFloat(c.limits.CPUs, 'g', -1, 64))
	}
	c.limits.CPUs = n
	return nil
}

func lowerCount(limit *int64, v any, least int64) error {
	n, ok := v.(int64)
	if !ok || n < least {
		return fmt.Errorf("write a whole number, at least %d", least)
	}
	if n > *limit {
		return tooHigh(strconv.FormatInt(*limit, 10))
	}
	*limit = n
	return nil
}

func tooHigh(operator string) error {
	return fmt.Errorf("the operator's limit is %s, and a repository can only lower it", operator)
}
