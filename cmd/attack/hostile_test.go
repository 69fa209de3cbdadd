package attack

import "strings"

// script is what hostile markup wants to run: it leaves its name in the page and sends a request to
// an address that nothing else names.
func script(origin, name string) string {
	return `window.owned=(window.owned||'')+' ` + name + `';new Image().src='` + origin + `/` + name + `'`
}

// markup is hostile to a page. What it makes or runs there can be seen (see life).
func markup(origin string) string {
	return strings.Join([]string{
		`<script data-attack>` + script(origin, "script") + `</script>`,
		`</span></pre></section></div><img data-attack src=x onerror="` + script(origin, "onerror") + `">`,
		`</textarea></title></noscript><svg data-attack onload="` + script(origin, "onload") + `"></svg>`,
		`"><input data-attack autofocus onfocus="` + script(origin, "onfocus") + `" x="`,
		`' data-attack onmouseover='` + script(origin, "mouse") + `' x='`,
		`<img data-attack src="` + origin + `/image"><link data-attack rel=stylesheet href="` + origin + `/style">`,
		`<iframe data-attack srcdoc="&lt;script&gt;parent.owned=(parent.owned||'')+' frame'&lt;/script&gt;"></iframe>`,
		`<a data-attack href="javascript:` + script(origin, "link") + `">a link</a>`,
		`&lt;script data-attack&gt;` + script(origin, "entity") + `&lt;/script&gt;`,
	}, "\n") + "\n"
}

// escapes are hostile to a terminal, apart from the first: colour may pass.
const escapes = "\x1b[31mred\x1b[0m\n" +
	"\x1b]0;title\x07 \x1b]2;title\x1b\\\n" + // the window's title
	"\x1b]8;;http://evil.example/\x1b\\link\x1b]8;;\x1b\\\n" + // a link
	"\x1b]52;c;b3duZWQ=\x07\n" + // the clipboard
	"\x1bP+q544e\x1b\\ \x1b_apc\x1b\\ \x1b^pm\x1b\\ \x1bXsos\x1b\\\n" + // control strings
	"\x1b[2J\x1b[H \x1b[1A\x1b[2K \x1b[?1049h \x1b[6n \x1b[>4;2m \x1b[21t\n" + // cursor, screens, answers, keys
	"\x1bc \x1b(0 \x1b#8 \x1b7\n" + // reset, character sets
	"\xc2\x9b2J \xc2\x9d0;c1\xc2\x9c \x9b2J \x9d0;c1\x9c\n" + // the same in eight bits, as UTF-8 and bare
	"shown\roverwritten\n \a\b\x7f\x0e\x0f\x00 \x05\n" +
	"\u202eright to left\u202c \u2066isolated\u2069 \u200e\u200f\n" +
	"\xff\xfe \xc3( \xf0\x9f\x92 \xed\xa0\x80\n" // not UTF-8

// hostileName is hostile to a page and to a terminal, and can be the name of a file.
const hostileName = "\x1b]0;name\x07\x1b[2J\u202e\"><img data-attack src=x onerror=\"window.owned='name'\">"

// hostileTests print everything, on both streams, whole and byte by byte, under a hostile name.
const hostileTests = `import os, pathlib, sys, time, unittest
HOSTILE = pathlib.Path(__file__).with_name("hostile.bin").read_bytes()
NAME = pathlib.Path(__file__).with_name("name.bin").read_bytes().decode()


def prints(self):
    for fd in 1, 2:
        os.write(fd, b"\n" + HOSTILE)
        for i in range(len(HOSTILE)):
            os.write(fd, HOSTILE[i:i + 1])
    with self.subTest(NAME):
        self.fail(NAME)


def says_the_end(self):
    os.write(1, b"\nEND OF OUTPUT\n")


class Hostile(unittest.TestCase):
    pass


setattr(Hostile, "test_a_" + NAME, prints)
Hostile.test_b = says_the_end
`

func hostileTree(origin string) map[string]string {
	return map[string]string{
		"tests/__init__.py": "", "tests/test_hostile.py": hostileTests,
		"tests/hostile.bin": markup(origin) + escapes, "tests/name.bin": hostileName,
		hostileName + ".py": "def broken(:\n",
	}
}
