// Package ini reads files as Python's configparser does, and git its .gitmodules.
package ini

import "strings"

// File is what stands in a file: values by section and option. Names of options are in lower case.
type File map[string]map[string]string

// Parse never fails. It skips a line that is neither a section, an option nor a continuation
// (indented further than its option): the tools that own these files complain of it.
func Parse(data []byte) File {
	file := File{}
	var section map[string]string
	var option string
	var value strings.Builder // of option; stored when it is complete, since it may have any number of lines
	optionIndent := 0
	end := func() {
		if option != "" {
			section[option] = value.String()
		}
		option = ""
		value.Reset()
	}
	for _, line := range strings.Split(string(data), "\n") {
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' || text[0] == ';' {
			continue
		}
		indent := strings.Index(line, text)
		name, first, assigns := cutOption(text)
		switch {
		case text[0] == '[' && strings.Contains(text, "]"):
			end()
			section = file.section(text[1:strings.LastIndex(text, "]")])
		case section == nil:
		case indent > optionIndent && option != "":
			value.WriteString("\n" + text)
		case assigns:
			end()
			option, optionIndent = name, indent
			section[option] = first
			value.WriteString(first)
		}
	}
	end()
	return file
}

func (f File) section(name string) map[string]string {
	if f[name] == nil {
		f[name] = map[string]string{}
	}
	return f[name]
}

func cutOption(text string) (name, value string, ok bool) {
	i := strings.IndexAny(text, "=:")
	if i < 0 {
		return "", "", false
	}
	return strings.ToLower(strings.TrimSpace(text[:i])), strings.TrimSpace(text[i+1:]), true
}
