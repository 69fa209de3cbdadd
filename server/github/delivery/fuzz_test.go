package delivery_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"vivarium/server/github/delivery"
	"vivarium/server/github/githubtest/events"
)

// These patterns are repeated on purpose: what the fuzz target promises must not change with the
// code.
var (
	fuzzRepo = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+$`)
	fuzzSHA  = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)
	fuzzRef  = regexp.MustCompile(`^refs/(heads|tags)/[^\x00-\x20]+$`)
)

func FuzzReadDelivery(f *testing.F) {
	const form = "application/x-www-form-urlencoded"
	for _, p := range []events.Push{
		{SHA: sha}, {Deleted: true}, {Created: true, NoCommits: true}, {Forced: true, NoCommits: true},
		{Ref: "refs/tags/v1"},
	} {
		f.Add("push", "application/json", p.Payload(), "")
	}
	f.Add("pull_request", "application/json", events.Pull{SHA: sha}.Payload(), "")
	f.Add("push", form, []byte("payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%7D"), "")
	f.Add("ping", "application/json", []byte(`{"zen":"Keep it logically awesome."}`), "")
	f.Add("push", "application/json", []byte(`{"repository":{"full_name":"a/b"},"Repository":{"full_name":"c/d"}}`),
		"sha256="+strings.Repeat("0", 64))
	f.Add("push", "text/plain", []byte(`{"ref":"\ud800","repository":{"full_name":"a/../b"}}`),
		"sha1="+strings.Repeat("0", 40))
	f.Fuzz(func(t *testing.T, event, contentType string, body []byte, signature string) {
		h := events.Header(secret, event, body)
		h.Set("Content-Type", contentType)
		signed, err := read(h, body, secret)
		if err == nil {
			checkDelivery(t, signed)
		}
		right := h.Get("X-Hub-Signature-256")
		h["X-Hub-Signature-256"] = []string{signature}
		if _, err := read(h, body, secret); err == nil &&
			!strings.EqualFold(signature, right) {
			t.Errorf("accepted with the signature %q", signature)
		}
		if _, err := read(http.Header{"Content-Type": {contentType}}, body, ""); err == nil {
			t.Error("accepted without a secret")
		}
	})
}

func checkDelivery(t *testing.T, d delivery.Verified) {
	if (d.Push == nil && d.Pull == nil && d.Comment == nil) == (d.Ignored == "") {
		t.Errorf("want a push or a reason: %+v", d)
	}
	if p := d.Pull; p != nil && (!fuzzRepo.MatchString(p.Repo.FullName) || !fuzzSHA.MatchString(p.SHA) || p.Number < 1) {
		t.Errorf("accepted the pull request %+v", *p)
	}
	if d.Push == nil {
		return
	}
	p := *d.Push
	if !fuzzRepo.MatchString(p.Repo.FullName) || strings.HasSuffix(p.Repo.FullName, "/.") ||
		strings.HasSuffix(p.Repo.FullName, "/..") {
		t.Errorf("accepted the repository %q", p.Repo.FullName)
	}
	if !fuzzSHA.MatchString(p.SHA) {
		t.Errorf("accepted the SHA %q", p.SHA)
	}
	if !fuzzRef.MatchString(string(p.Ref)) || strings.Contains(string(p.Ref), "..") {
		t.Errorf("accepted the ref %q", p.Ref)
	}
	for _, text := range []string{p.Author, p.Message} {
		if strings.ContainsFunc(text, unicode.IsControl) || len([]rune(text)) > 250 {
			t.Errorf("accepted the text %q", text)
		}
	}
}
