package python

import "strings"

// ini is what Python's configparser, and git for .gitmodules, read from a file: values by section
// and option. Names of options are in lower case.
type ini map[string]map[string]string

// parseINI never fails. It skips a line that is neither a section, an option nor a continuation
// (indented further than its option): the tools that own these files complain of it.
func parseINI(data []byte) ini {
	file := ini{}
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

func (f ini) section(name string) map[string]string {
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
