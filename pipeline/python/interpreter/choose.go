// Package interpreter chooses the Python that a repository is built with: what it demands, what it
// wishes for, and which runner images there are.
package interpreter

import (
	"fmt"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
)

// Image is a runner image that the operator has.
type Image struct {
	Name   string // such as python-3.11
	Python string // the interpreter's version, such as 3.11.2
}

// Demand is what no build of the repository goes without.
type Demand struct {
	Release  string // such as 3.12; empty where nothing is said
	By       string // who asks for Release
	Requires string // requires-python, a PEP 440 specifier set; empty where nothing is said
	File     string // that holds Requires
}

// Choice is an image and why it was taken.
type Choice struct {
	Image  Image
	Reason string
	Remark string   // what the verdict says as well; empty where the repository has what it asks for
	Notes  []string // what of the repository's wishes could not be read
}

// Choose takes the image that the repository asks for. standard is the name of the image for one that
// asks for none. Without an image for a wish, the nearest is taken that the demand allows. Its error
// is always a *checkout.Mistake.
func Choose(d Demand, wishes []Wish, images []Image, standard string) (Choice, error) {
	images = byPreference(images, standard)
	c := Choice{}
	allowed, err := c.allow(d, images)
	if err != nil {
		return Choice{}, err
	}
	if d.Release != "" {
		c.Image, c.Reason = allowed[0], d.By+" asks for python "+d.Release
		return c, nil
	}
	for _, w := range wishes {
		if !w.readable() {
			c.Notes = append(c.Notes, fmt.Sprintf("%s asks for %q, which names no release of Python", w.File, w.Text))
			continue
		}
		c.grant(w, allowed)
		return c, nil
	}
	switch {
	case allowed[0].Name == images[0].Name:
		c.Image, c.Reason = allowed[0], "the default"
		if d.Requires != "" && len(c.Notes) == 0 {
			c.Reason = "the default, and requires-python is " + d.Requires
		}
	default:
		c.Image = slices.MaxFunc(allowed, compareImages)
		c.Reason = fmt.Sprintf("the newest for which requires-python is met: %s", d.Requires)
	}
	return c, nil
}

// allow gives the images that meet the demand, the most preferred first. At least one does.
func (c *Choice) allow(d Demand, images []Image) ([]Image, error) {
	allowed := images
	switch {
	case d.Requires == "":
	case !readable(d.Requires):
		c.Notes = append(c.Notes, fmt.Sprintf("requires-python is %q in %s, which cannot be read", d.Requires, d.File))
	default:
		allowed = filter(images, func(v version) bool { return v.meetsAny([]string{d.Requires}) })
		if len(allowed) == 0 {
			return nil, &checkout.Mistake{
				File: d.File,
				Problem: fmt.Sprintf("requires-python is %s, and there is no runner image for it (there are: %s)",
					d.Requires, names(images)),
				Advice: "ask for a Python that is there, or have the operator run `vivarium images build " +
					"python-VERSION`",
			}
		}
	}
	if d.Release == "" {
		return allowed, nil
	}
	want, _ := parseVersion(d.Release)
	if exact := filter(allowed, want.sameMinor); len(exact) > 0 {
		return exact, nil
	}
	const file = "pyproject.toml"
	if exact := filter(images, want.sameMinor); len(exact) > 0 {
		return nil, &checkout.Mistake{
			File: file,
			Problem: fmt.Sprintf("%s asks for python %q, and requires-python is %s", d.By, d.Release,
				d.Requires),
			Advice: "change one of the two",
		}
	}
	return nil, &checkout.Mistake{
		File:    file,
		Problem: fmt.Sprintf("%s asks for python %q, for which there is no runner image", d.By, d.Release),
		Advice: fmt.Sprintf("ask for one that is there (%s), or have the operator run "+
			"`vivarium images build python-%s`", names(images), d.Release),
	}
}

// grant takes the image for a wish, or the one nearest to it.
func (c *Choice) grant(w Wish, allowed []Image) {
	for _, release := range w.releases() {
		if exact := filter(allowed, release.sameMinor); len(exact) > 0 {
			c.Image, c.Reason = exact[0], fmt.Sprintf("%s asks for %s", w.File, w.Text)
			return
		}
	}
	if fit := filter(allowed, func(v version) bool { return v.meetsAny(w.Sets) }); len(w.Sets) > 0 && len(fit) > 0 {
		c.Image, c.Reason = fit[0], fmt.Sprintf("%s asks for %s", w.File, w.Text)
		if len(fit) < len(allowed) && fit[0].Name != allowed[0].Name {
			c.Image = slices.MaxFunc(fit, compareImages)
		}
		return
	}
	c.Image = nearest(w.near(), allowed)
	c.Reason = fmt.Sprintf("%s asks for %s, for which there is no runner image; this is the nearest (there are: %s)",
		w.File, w.Text, names(allowed))
	c.Remark = fmt.Sprintf("on Python %s, since there is no image for %s of %s", c.Image.Python, w.Text, w.File)
}

// byPreference orders images: the standard one, then the newer ones from the nearest up, then the
// older ones from the nearest down.
func byPreference(images []Image, standard string) []Image {
	first := Image{Name: standard, Python: strings.TrimPrefix(standard, "python-")}
	for _, image := range images {
		if image.Name == standard {
			first = image
		}
	}
	base, _ := parseVersion(first.Python)
	var newer, older []Image
	for _, image := range images {
		v, ok := parseVersion(image.Python)
		switch {
		case !ok || image.Name == standard:
		case v.compare(base) >= 0:
			newer = append(newer, image)
		default:
			older = append(older, image)
		}
	}
	slices.SortStableFunc(newer, compareImages)
	slices.SortStableFunc(older, func(a, b Image) int { return compareImages(b, a) })
	return slices.Concat([]Image{first}, newer, older)
}

func compareImages(a, b Image) int {
	v, _ := parseVersion(a.Python)
	w, _ := parseVersion(b.Python)
	return v.compare(w)
}

func filter(images []Image, fits func(version) bool) []Image {
	var fit []Image
	for _, image := range images {
		if v, ok := parseVersion(image.Python); ok && fits(v) {
			fit = append(fit, image)
		}
	}
	return fit
}

// nearest takes the image whose minor version is the fewest steps from the wanted one; of two the
// newer, which knows the syntax of the older.
func nearest(want version, images []Image) Image {
	return slices.MinFunc(images, func(a, b Image) int {
		v, _ := parseVersion(a.Python)
		w, _ := parseVersion(b.Python)
		if d := v.steps(want) - w.steps(want); d != 0 {
			return d
		}
		return w.compare(v)
	})
}

func names(images []Image) string {
	all := make([]string, len(images))
	for i, image := range images {
		all[i] = image.Name
	}
	return strings.Join(all, ", ")
}
