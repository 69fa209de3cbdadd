package checkout

import (
	"fmt"
	"slices"
	"testing"

	"vivarium/sandbox"
)

func TestTextIsReadAsPipReadsIt(t *testing.T) {
	for name, c := range map[string]struct {
		data, text string
		bad        int
	}{
		"UTF-8":                         {"é\n", "é\n", 0},
		"UTF-8 with a mark":             {"\xef\xbb\xbfa\n", "a\n", 0},
		"UTF-16":                        {"\xff\xfea\x00\r\x00\n\x00", "a\r\n", 0},
		"UTF-16, the other way":         {"\xfe\xff\x00a\x00\n", "a\n", 0},
		"UTF-16, cut off":               {"\xff\xfea\x00\n", "a", 0},
		"Latin-1":                       {"a\nb\xe9\n", "a\nb\xe9\n", 2},
		"Latin-1 that says so":          {"# -*- coding: latin-1 -*-\n\xe9\n", "# -*- coding: latin-1 -*-\né\n", 0},
		"Latin-1 that says so too late": {"\n\n# coding: latin-1\n\xe9\n", "\n\n# coding: latin-1\n\xe9\n", 4},
		"nothing":                       {"", "", 0},
	} {
		if text, bad := Text([]byte(c.data)); text != c.text || bad != c.bad {
			t.Errorf("%s: got %q, line %d; want %q, line %d", name, text, bad, c.text, c.bad)
		}
	}
}

func TestBelowIsATreeOfItsOwn(t *testing.T) {
	whole := New(sandbox.Survey{
		Files: []sandbox.File{
			{Path: "app", Dir: true},
			{Path: "app/here.txt", Link: "a.txt"},
			{Path: "app/a.txt", Size: 1},
			{Path: "app/out.txt", Link: "../common.txt"},
			{Path: "app/sub", Dir: true},
			{Path: "app/sub/b.txt", Size: 1},
			{Path: "app/away.txt", Link: "/etc/passwd"},
			{Path: "application.txt", Size: 1},
			{Path: "common.txt", Size: 1},
		},
		Contents: map[string][]byte{"app/a.txt": []byte("a"), "common.txt": []byte("c")},
	})
	got := whole.Below("app")
	want := []string{"here.txt", "a.txt", "out.txt", "sub", "sub/b.txt", "away.txt"}
	if !slices.Equal(got.Paths, want) {
		t.Errorf("got %q, want %q", got.Paths, want)
	}
	for p, text := range map[string]string{"a.txt": "a", "here.txt": "a", "out.txt": "c"} {
		if data, ok := got.Read(p); !ok || string(data) != text {
			t.Errorf("%s: got %q, %t; want %q", p, data, ok, text)
		}
	}
	if _, ok := got.Read("away.txt"); ok || got.IsFile("away.txt") {
		t.Error("a link out of the checkout leads somewhere")
	}
	if whole.Below(".") != whole || whole.Below("") != whole {
		t.Error("below the root is another tree")
	}
}

// TestLinksToOneFileAreReadWithinABound: who reads all files of a kind reads a large one as often as
// links lead to it.
func TestLinksToOneFileAreReadWithinABound(t *testing.T) {
	const links, size = 100, 1 << 20
	s := sandbox.Survey{Contents: map[string][]byte{"d/big.py": make([]byte, size)}}
	s.Files = append(s.Files, sandbox.File{Path: "d", Dir: true}, sandbox.File{Path: "d/big.py", Size: size})
	for i := range links {
		s.Files = append(s.Files,
			sandbox.File{Path: fmt.Sprintf("d/%03d.py", i), Link: "big.py"},
			sandbox.File{Path: fmt.Sprintf("d/up%03d.py", i), Link: "../root.py"})
	}
	s.Files = append(s.Files, sandbox.File{Path: "root.py", Link: "d/big.py"})
	whole := New(s)
	for name, tree := range map[string]*Tree{"whole": whole, "below": whole.Below("d")} {
		read, at := 0, []string{}
		for _, p := range tree.Paths {
			data, _ := tree.Read(p)
			if read += len(data); len(data) > 0 {
				at = append(at, p)
			}
		}
		if read > 2*maxLinked+size || read < 2*size {
			t.Errorf("%s: %d MiB are read, in %q", name, read>>20, at)
		}
	}
	if _, ok := whole.Read("root.py"); !ok {
		t.Error("the link at the root is not read")
	}
	if _, ok := whole.Read("d/big.py"); !ok {
		t.Error("the file itself is not read")
	}
	if !whole.IsFile("d/099.py") {
		t.Error("a link past the bound is no file")
	}
}
