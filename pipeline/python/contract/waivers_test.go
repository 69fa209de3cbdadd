package contract

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestWaiversAreCountedFromWhatFlake8PyWrites(t *testing.T) {
	for output, want := range map[string]string{
		"flake8 5.0.4\n":             "",
		"passed over by # noqa: 2\n": "problems passed over by # noqa: 2",
		"./a.py: not checked, by # flake8: noqa\n" +
			"./b.py: not checked, by # flake8: noqa\n": "files passed over by # flake8: noqa: 2",
		"./a.py: not checked, by # flake8: noqa\npassed over by # noqa: 1\n": "problems passed over by # noqa: 1, " +
			"files passed over by # flake8: noqa: 1",
		"we passed over by # noqa: 2\n":                 "",
		strings.Repeat("x", 1<<16) + "\n":               "",
		"passed over by # noqa: 99999999999999999999\n": "",
	} {
		var whole, cut Waivers
		io.Copy(&whole, strings.NewReader(output))
		io.Copy(&cut, iotest.OneByteReader(strings.NewReader(output)))
		if whole.String() != want || cut.String() != want {
			t.Errorf("%q: got %q, byte by byte %q; want %q", output, &whole, &cut, want)
		}
	}
}
