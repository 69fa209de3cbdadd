package main

import "testing"

func TestCountsOfPytest(t *testing.T) {
	for out, want := range map[string]string{
		"x\n==== 851 passed, 2 skipped, 3 warnings in 2.10s ====\n": "851 passed, 2 skipped",
		"2 skipped, 851 passed in 61.10s (0:01:01)\n":               "851 passed, 2 skipped",
		"= 1 failed, 1 error in 0.1s =\r\n":                         "1 error, 1 failed",
		"= 1 failed, 2 errors in 0.1s =\n":                          "2 error, 1 failed",
	} {
		if got, err := countsOf(out); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", out, got, err, want)
		}
	}
	for _, out := range []string{"", "collected 3 items\n", "1 passed in 1s\n2 passed in 1s\n"} {
		if got, err := countsOf(out); err == nil {
			t.Errorf("%q was taken for %q", out, got)
		}
	}
}

func TestAuthorsArchiveIsFound(t *testing.T) {
	hash := "31351a702a408a9e7595a8fc6150fc3f43bb6bf7e319770cbc0db9df9437e852"
	said := "'http://m/p/jinja2_3.1.2-1.dsc' jinja2_3.1.2-1.dsc 2258 SHA256:" + hash + "\n" +
		"'http://m/p/jinja2_3.1.2.orig.tar.gz' jinja2_3.1.2.orig.tar.gz 268239 SHA256:" + hash + "\n"
	address, name, sum, err := original(said)
	const want = "jinja2_3.1.2.orig.tar.gz"
	if err != nil || address != "http://m/p/"+want || name != want || sum != hash {
		t.Errorf("got %q, %q, %q, %v", address, name, sum, err)
	}
	if _, _, _, err := original("'http://m/x.dsc' x.dsc 1 SHA256:" + hash + "\n"); err == nil {
		t.Error("a package without the authors' archive was taken")
	}
}
