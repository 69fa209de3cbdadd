package egress

import (
	"net/url"
	"strings"
	"testing"

	"vivarium/sandbox/egress/egresstest"
)

// outages are the faults of a host that a probe must notice, with what it says of them.
var outages = map[string]struct {
	fault egresstest.Fault
	says  string
}{
	"drop":     {egresstest.Drop, "does not answer: EOF"},
	"502":      {egresstest.Status(502), "answered 502 Bad Gateway"},
	"500":      {egresstest.Status(500), "answered 500 Internal Server Error"},
	"429":      {egresstest.Status(429), "answered 429 Too Many Requests"},
	"truncate": {egresstest.Truncate, "broke off its answer: unexpected EOF"},
}

func TestProbeTellsAGitHostThatAnswersFromOneThatDoesNot(t *testing.T) {
	host := egresstest.GitHostFor(t, egresstest.GitHostConfig{Token: "sesame"})
	commit(t, host, "acme/hello")
	u := host.RepoURL("acme/hello")
	u.User = url.UserPassword("somebody", "hunter2")
	if err := ProbeGit(t.Context(), u); err != nil { // 401, since it asks without the token
		t.Errorf("a host that answers: %v", err)
	}
	for _, r := range host.Requests() {
		if r.Header.Get("Authorization") != "" {
			t.Error("the probe sent credentials")
		}
	}
	for name, o := range outages {
		host.SetFault(o.fault)
		if err := ProbeGit(t.Context(), u); err == nil || err.Error() != "git host "+u.Host+" "+o.says {
			t.Errorf("%s: got %v, want git host %s %s", name, err, u.Host, o.says)
		}
	}
	gone := &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/acme/hello.git", User: u.User}
	if err := ProbeGit(t.Context(), gone); err == nil ||
		err.Error() != "git host 127.0.0.1:1 does not answer: connection refused" {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestProbeTellsAnIndexThatAnswersFromOneThatDoesNot(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	x := newIndex(t, up, nil)
	if err := x.Probe(t.Context()); err != nil { // 404: it has no such project
		t.Errorf("an index that answers: %v", err)
	}
	host := strings.Split(up.URL(), "/")[2]
	for name, o := range outages {
		up.SetFault(o.fault)
		if err := x.Probe(t.Context()); err == nil || err.Error() != "index "+host+" "+o.says {
			t.Errorf("%s: got %v, want index %s %s", name, err, host, o.says)
		}
	}
}
