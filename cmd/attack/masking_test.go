package attack

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"vivarium/cmd/internal/harness"
	"vivarium/pipeline"
)

// likeTheToken has the same shape as the token, but is no secret.
const likeTheToken = "ghp_plainTextOfNoSecret111111111111111111"

// likeTheSecret has the same shape as the webhook's secret, which a URL cannot hold unescaped, but
// is no secret.
const likeTheSecret = "the harness's ordinary words"

// printing is a test that prints a text in many forms, each between brackets. Whoever wrote the
// repository has put the secret into it: the server gives it to no build.
const printing = `import base64, os, time, unittest, urllib.parse
TEXTS = {"secret": ("TOKEN", "SECRET"), "control": ("LIKE_ONE", "LIKE_OTHER")}
KEEP = b"Such that the secret goes over a line's end: "  # of 57 bytes


def plain(text):
    return [text]


def split(text):
    return [text[:5], text[5:9], text[9:30], text[30:]]


FORMS = {
    "whole": plain,
    "words": plain,  # a secret of characters that percent-encoding changes
    "split": split,
    "byte-by-byte": lambda t: [t[i:i + 1] for i in range(len(t))],
    "base64": lambda t: [base64.b64encode(t)],
    "base64-1": lambda t: [base64.b64encode(b"x" + t + b"tail")],
    "base64-2": lambda t: [base64.b64encode(b"xy" + t + b"tail")],
    "base64-urlsafe": lambda t: [base64.urlsafe_b64encode(b"?>" + t)],
    "base64-split": lambda t: split(base64.b64encode(t)),
    "base64-in-lines": lambda t: [base64.encodebytes(KEEP + t)],
    "url": lambda t: [urllib.parse.quote(t).encode()],
    "url-form": lambda t: [urllib.parse.quote_plus(t).encode()],
    "hex": lambda t: [t.hex().encode()],
    "hex-upper": lambda t: [t.hex().upper().encode()],
    "twice": lambda t: [t + t],
}


class Printing(unittest.TestCase):
    def test(self):
        for stream in 1, 2:
            for which, hidden in TEXTS.items():
                token, secret = (bytes(b ^ 0x5A for b in base64.b64decode(text)) for text in hidden)
                for name, form in FORMS.items():
                    text = secret if name.startswith("url") or name == "words" else token
                    pieces = [f"\nFORM {stream} {which} {name} [".encode(), *form(text), b"]\n.\n"]
                    if name not in ("split", "byte-by-byte", "base64-split"):
                        pieces = [b"".join(pieces)]  # within one line and one piece, whatever the timing
                    for piece in pieces:
                        os.write(stream, piece)
                        if "split" in name:
                            time.sleep(0.1)  # longer than the log gathers output
`

var printed = regexp.MustCompile(`(?s)FORM ([12]) (secret|control) ([a-z0-9-]+) \[(.*?)\]`)

// TestMasking lets a build print the server's secrets. What is stored must not hold them in any
// form that tools print.
func TestMasking(t *testing.T) {
	t.Parallel()
	s := serve(t)
	files := map[string]string{"test_it.py": strings.NewReplacer(
		`"TOKEN"`, quote(harness.Token), `"SECRET"`, quote(harness.WebhookSecret), `"LIKE_ONE"`, quote(likeTheToken),
		`"LIKE_OTHER"`, quote(likeTheSecret),
	).Replace(printing)}
	log, state := s.built(t, "octo/printing", files)
	if state != pipeline.Passed {
		t.Fatalf("the build that prints is %s:\n%s", state, log)
	}
	// A line of unittest's on the other stream may come between.
	log = strings.Replace(log, "test (test_it.Printing.test) ... ", "", 1)
	stored := map[string]string{}
	for _, m := range printed.FindAllStringSubmatch(log, -1) {
		stored[m[3]+" on "+m[1]+" "+m[2]] = m[4]
	}
	for name := range sorted(forms()) {
		attack(t, name, "printing a secret: "+strings.ReplaceAll(name, "-", " "), func(t *testing.T, l *line) {
			for _, stream := range []string{"1", "2"} {
				control, secret := stored[name+" on "+stream+" control"], stored[name+" on "+stream+" secret"]
				if strings.Contains(control, "***") || len(control) < len(likeTheSecret) {
					t.Errorf("control: what is no secret is stored as %q", control)
				}
				rest := strings.ReplaceAll(secret, "***", "")
				if secret == rest || len(control)-len(rest) < len(likeTheSecret)-4 {
					t.Errorf("on stream %s it is stored as %q", stream, secret)
				}
				l.outcome = fmt.Sprintf("stored as %q", secret)
			}
			l.control = "a text of the same shape is stored whole"
		})
	}
}

// quote is a literal of printing that hides the text. printing undoes that.
func quote(text string) string { return `"` + hide(text) + `"` }

var formName = regexp.MustCompile(`(?m)^    "([a-z0-9-]+)": `)

func forms() map[string]bool {
	names := map[string]bool{}
	for _, m := range formName.FindAllStringSubmatch(printing, -1) {
		names[m[1]] = true
	}
	return names
}
