package python

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vivarium/pipeline/python/checkout"
)

// version is a release of Python, such as 3.11.2. Images have no pre-releases.
type version []int

func parseVersion(s string) (version, bool) {
	parts := strings.Split(s, ".")
	v := make(version, len(parts))
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return nil, false
		}
		v[i] = n
	}
	return v, true
}

func (v version) at(i int) int {
	if i < len(v) {
		return v[i]
	}
	return 0
}

// compare takes missing parts as 0 (PEP 440).
func (v version) compare(w version) int {
	for i := range max(len(v), len(w)) {
		if c := cmp.Compare(v.at(i), w.at(i)); c != 0 {
			return c
		}
	}
	return 0
}

// hasPrefix reports whether v is p or one of its patch releases.
func (v version) hasPrefix(p version) bool {
	for i := range p {
		if v.at(i) != p[i] {
			return false
		}
	}
	return true
}

// satisfies reports whether v meets every clause of a PEP 440 specifier set. ok is false for a set
// that cannot be parsed.
func (v version) satisfies(set string) (yes, ok bool) {
	yes = true
	for _, clause := range strings.Split(set, ",") {
		clause = strings.TrimSpace(clause)
		if clause == "" {
			continue
		}
		met, understood := v.meets(clause)
		if !understood {
			return false, false
		}
		yes = yes && met
	}
	return yes, true
}

// specifierOperators is ordered so that a longer operator comes before a shorter one with which it
// begins.
var specifierOperators = []string{"===", "==", "!=", "~=", ">=", "<=", ">", "<"}

func (v version) meets(clause string) (yes, ok bool) {
	i := slices.IndexFunc(specifierOperators, func(op string) bool { return strings.HasPrefix(clause, op) })
	if i < 0 {
		return false, false
	}
	op := specifierOperators[i]
	operand := strings.TrimSpace(strings.TrimPrefix(clause, op))
	operand, wild := strings.CutSuffix(operand, ".*")
	w, ok := parseVersion(operand)
	if !ok || wild && op != "==" && op != "!=" {
		return false, false
	}
	equal := v.compare(w) == 0
	if wild {
		equal = v.hasPrefix(w)
	}
	switch op {
	case "==", "===":
		return equal, true
	case "!=":
		return !equal, true
	case ">=":
		return v.compare(w) >= 0, true
	case "<=":
		return v.compare(w) <= 0, true
	case ">":
		return v.compare(w) > 0 && !v.hasPrefix(w), true
	case "<":
		return v.compare(w) < 0, true
	}
	// ~=: at least this, and the same up to the last but one part.
	return v.compare(w) >= 0 && v.hasPrefix(w[:max(1, len(w)-1)]), true
}

// wish is what a repository says about its Python, strongest first.
type wish struct {
	configured string // python in [tool.vivarium]
	file       string // .python-version
	requires   string // requires-python
}

func wishOf(t *checkout.Tree, p project, c config) wish {
	data, _ := t.Read(".python-version")
	return wish{configured: c.python, file: firstLine(data), requires: strings.TrimSpace(p.requiresPython)}
}

// firstLine is the first line that is neither empty nor a comment, as pyenv reads the file.
func firstLine(data []byte) string {
	for _, line := range strings.Split(string(data), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return line
		}
	}
	return ""
}

// chooseImage takes the image that the repository asks for. A wish in [tool.vivarium] is an order.
// The other two are written for other tools: one that no image meets is noted, and the next one
// decides.
func (p *Plan) chooseImage(w wish, o Options) error {
	images := byPreference(o)
	if w.configured != "" {
		image, ok := findRelease(images, w.configured)
		if !ok {
			return &checkout.Mistake{
				File: pyproject,
				Problem: fmt.Sprintf("[tool.vivarium] asks for python %q, for which there is no runner image",
					w.configured),
				Advice: fmt.Sprintf("ask for one of %s, or have the operator run `vivarium images build python-%s`",
					pythons(images), w.configured),
			}
		}
		p.Image, p.ImageReason = image, "[tool.vivarium] asks for python "+w.configured
		return nil
	}
	if w.file != "" {
		if image, ok := findRelease(images, w.file); ok {
			p.Image, p.ImageReason = image, ".python-version asks for "+w.file
			return nil
		}
		p.note(".python-version asks for %s, for which there is no runner image (there are: %s)", w.file,
			pythons(images))
	}
	if w.requires != "" {
		if image, ok := findSatisfying(images, w.requires); ok {
			p.Image, p.ImageReason = image, "requires-python is "+w.requires
			return nil
		}
		p.note("requires-python is %s, which no runner image meets (there are: %s)", w.requires, pythons(images))
	}
	p.Image, p.ImageReason = images[0], "the default"
	return nil
}

// byPreference orders images: the default, then the newer ones from the nearest up, then the older
// ones from the nearest down. So an image that the operator adds changes nothing for a repository
// that had a suitable one before.
func byPreference(o Options) []Image {
	standard := Image{Name: o.Default, Python: strings.TrimPrefix(o.Default, "python-")}
	for _, image := range o.Images {
		if image.Name == o.Default {
			standard = image
		}
	}
	base, _ := parseVersion(standard.Python)
	var newer, older []Image
	for _, image := range o.Images {
		v, ok := parseVersion(image.Python)
		switch {
		case !ok || image.Name == o.Default:
		case v.compare(base) >= 0:
			newer = append(newer, image)
		default:
			older = append(older, image)
		}
	}
	slices.SortStableFunc(newer, compareImages)
	slices.SortStableFunc(older, func(a, b Image) int { return compareImages(b, a) })
	return slices.Concat([]Image{standard}, newer, older)
}

func compareImages(a, b Image) int {
	v, _ := parseVersion(a.Python)
	w, _ := parseVersion(b.Python)
	return v.compare(w)
}

// findRelease finds the image for a release such as 3.12 or 3.12.4. Any patch release of the same
// minor version meets it, as images follow security updates.
func findRelease(images []Image, release string) (Image, bool) {
	want, ok := parseVersion(strings.TrimPrefix(release, "python-"))
	if !ok {
		return Image{}, false
	}
	want = want[:min(2, len(want))]
	return find(images, func(v version) bool { return v.hasPrefix(want) })
}

func findSatisfying(images []Image, set string) (Image, bool) {
	return find(images, func(v version) bool {
		yes, ok := v.satisfies(set)
		return yes && ok
	})
}

func find(images []Image, fits func(version) bool) (Image, bool) {
	i := slices.IndexFunc(images, func(image Image) bool {
		v, ok := parseVersion(image.Python)
		return ok && fits(v)
	})
	if i < 0 {
		return Image{}, false
	}
	return images[i], true
}

func pythons(images []Image) string {
	names := make([]string, len(images))
	for i, image := range images {
		names[i] = image.Python
	}
	return strings.Join(names, ", ")
}
