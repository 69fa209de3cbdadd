package declared

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// addTable adds dependencies as Poetry and Pipenv write them: a name with a version, or with a table
// of conditions.
func (g *Group) addTable(dependencies map[string]any) {
	for _, name := range keys(dependencies) {
		if strings.EqualFold(name, "python") {
			continue
		}
		switch said := dependencies[name].(type) {
		case string:
			g.add(name + poetryVersion(said))
		case map[string]any:
			g.addConditions(name, said)
		case []any: // one for each kind of machine
			for _, one := range said {
				if t, ok := one.(map[string]any); ok {
					g.addConditions(name, t)
				}
			}
		}
	}
}

func (g *Group) addConditions(name string, said map[string]any) {
	if said["optional"] == true {
		return
	}
	if extras := texts(said["extras"]); len(extras) > 0 {
		name += "[" + strings.Join(extras, ",") + "]"
	}
	switch {
	case text(said, "git") != "":
		where := "git+" + strings.TrimPrefix(text(said, "git"), "git+")
		for _, at := range []string{"rev", "tag", "branch", "ref"} {
			if ref := text(said, at); ref != "" {
				where += "@" + ref
				break
			}
		}
		g.add(name + " @ " + where)
	case text(said, "url") != "":
		g.add(name + " @ " + text(said, "url"))
	case text(said, "path") != "":
		g.add(localPath(text(said, "path")))
	case text(said, "file") != "":
		g.add(localPath(text(said, "file")))
	default:
		g.add(name + poetryVersion(text(said, "version")) + poetryMarkers(said))
	}
}

// localPath writes a path so that pip does not take it for a name.
func localPath(p string) string {
	if strings.HasPrefix(p, ".") || strings.HasPrefix(p, "/") {
		return p
	}
	return "./" + p
}

// poetryMarkers is when a dependency counts (PEP 508).
func poetryMarkers(said map[string]any) string {
	var all []string
	if m := text(said, "markers"); m != "" {
		all = append(all, "("+m+")")
	}
	if p := text(said, "platform"); p != "" {
		all = append(all, fmt.Sprintf("sys_platform == %q", p))
	}
	if sets := poetrySets(text(said, "python")); len(sets) == 1 && sets[0] != "" {
		for clause := range strings.SplitSeq(sets[0], ",") {
			op := strings.TrimRight(clause, "0123456789.*")
			all = append(all, fmt.Sprintf("python_full_version %s %q", op, strings.TrimPrefix(clause, op)))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "; " + strings.Join(all, " and ")
}

// poetryVersion writes a version of Poetry's as one of PEP 440. What PEP 440 cannot say is any
// version.
func poetryVersion(said string) string {
	if sets := poetrySets(said); len(sets) == 1 {
		return sets[0]
	}
	return ""
}

// clause is one condition of a version of Poetry's.
var clause = regexp.MustCompile(`(\^|~=|~|===|==|!=|>=|<=|>|<)?\s*(\*|[0-9][^\s,]*)`)

// poetrySets writes a version of Poetry's as specifier sets (PEP 440), of which one is to be met.
func poetrySets(said string) []string {
	var sets []string
	for alternative := range strings.SplitSeq(strings.ReplaceAll(said, "||", "|"), "|") {
		var set []string
		for _, m := range clause.FindAllStringSubmatch(alternative, -1) {
			if s := poetryClause(m[1], m[2]); s != "" {
				set = append(set, s)
			}
		}
		sets = append(sets, strings.Join(set, ","))
	}
	return sets
}

func poetryClause(op, version string) string {
	switch {
	case version == "*":
		return ""
	case op == "^":
		return ">=" + version + ",<" + next(version, firstNonZero(version))
	case op == "~":
		return ">=" + version + ",<" + next(version, min(1, strings.Count(version, ".")))
	case op == "":
		return "==" + version
	}
	return op + version
}

// next is the version with one part counted up, and nothing after it.
func next(version string, part int) string {
	numbers := numbersOf(version)
	part = min(part, len(numbers)-1)
	numbers[part]++
	words := make([]string, part+1)
	for i := range words {
		words[i] = strconv.Itoa(numbers[i])
	}
	return strings.Join(words, ".")
}

// firstNonZero is the part that a caret holds: the first that is not 0.
func firstNonZero(version string) int {
	numbers := numbersOf(version)
	for i, n := range numbers {
		if n != 0 {
			return i
		}
	}
	return len(numbers) - 1
}

func numbersOf(version string) []int {
	var numbers []int
	for part := range strings.SplitSeq(version, ".") {
		n, _ := strconv.Atoi(strings.TrimRight(part, "abcdefghijklmnopqrstuvwxyz*-+"))
		numbers = append(numbers, n)
	}
	return numbers
}
