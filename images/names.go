package images

import (
	"fmt"
	"regexp"
	"strings"
)

// Repositories on the engine; the tag is the image's name.
const (
	baseRepo   = "vivarium/base"
	toolsRepo  = "vivarium/tools"
	runnerRepo = "vivarium/runner"
)

// Labels of the images.
const (
	labelBase    = "vivarium.image.base"    // what the image is based on
	labelTools   = "vivarium.image.tools"   // SHA-256 of the tools.sh that made the layer
	labelPython  = "vivarium.image.python"  // the interpreter's version
	labelFlavour = "vivarium.image.flavour" // full or slim; images of older versions have none
	labelInit    = "vivarium.image.init"    // SHA-256 of vivarium-init; only runner images have it
)

// Flavours of an image: with what people's tests take for granted, and without.
const (
	full     = "full"
	slimOnly = "slim"
)

func flavour(slim bool) string {
	if slim {
		return slimOnly
	}
	return full
}

// containerPrefix begins the name of every container that makes an image. A label would not do: a
// commit copies it into the image.
const containerPrefix = "vivarium-images-"

var nameRule = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

func checkName(name string) error {
	if !nameRule.MatchString(name) {
		return fmt.Errorf("runner image name %q: want a small letter or digit, then at most 63 of a-z 0-9 . _ -", name)
	}
	return nil
}

var pythonName = regexp.MustCompile(`^python-(\d+\.\d+)$`)

// pythonOf is the Python that an image's name promises, such as 3.11; empty for a name that
// promises none.
func pythonOf(name string) string {
	if found := pythonName.FindStringSubmatch(name); found != nil {
		return found[1]
	}
	return ""
}

// checkPython compares the interpreter found in an image with the one that its name promises.
func checkPython(name, version string) error {
	want := pythonOf(name)
	if want == "" || strings.HasPrefix(version, want+".") {
		return nil
	}
	return fmt.Errorf("the base of runner image %s holds Python %s; give one with Python "+
		"%s, or the image another name", name, version, want)
}
