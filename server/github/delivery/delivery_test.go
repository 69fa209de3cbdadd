package delivery_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/github/delivery"
	"vivarium/server/github/githubtest/events"
)

const secret = "a webhook secret"

var sha = strings.Repeat("ab", 20)

// read reads a delivery as a server does that accepts every repository by these secrets.
func read(h http.Header, body []byte, secrets ...string) (delivery.Verified, error) {
	u, err := delivery.Read(h, body)
	if err != nil {
		return delivery.Verified{}, err
	}
	return u.Verify(secrets)
}

// deliver reads a well-signed JSON delivery.
func deliver(event string, body []byte) (delivery.Verified, error) {
	return read(events.Header(secret, event, body), body, secret)
}

func TestReadDeliveryGivesWhatAPushSays(t *testing.T) {
	body := events.Push{
		Repo: "octo-org/Hello.World", RepoID: 42, Private: true, Ref: "refs/heads/feature/x", SHA: sha,
		Author: "mona", Message: "Fix the parser\n\nIt was wrong.",
	}.Payload()
	h := events.Header(secret, "push", body)
	got, err := read(h, body, secret)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	if got.GUID != h.Get("X-GitHub-Delivery") || got.Event != "push" || got.BodyHash != hex.EncodeToString(sum[:]) ||
		got.Ignored != "" {
		t.Errorf("delivery = %+v", got)
	}
	want := delivery.Push{
		Repo: pipeline.Repository{ID: 42, FullName: "octo-org/Hello.World", DefaultBranch: "main", Private: true},
		Ref:  "refs/heads/feature/x", SHA: sha, Before: strings.Repeat("2", 40), At: time.Unix(1793610930, 0).UTC(),
		Author: "mona", Message: "Fix the parser",
	}
	if got.Push == nil || *got.Push != want {
		t.Errorf("push = %+v, want %+v", got.Push, want)
	}
}

func TestReadDeliveryReadsGitHubsFormEncoding(t *testing.T) {
	payload := events.Push{SHA: sha, Message: "a + b & c = 100%"}.Payload()
	body := []byte(url.Values{"payload": {string(payload)}}.Encode())
	h := events.Header(secret, "push", body)
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	got, err := read(h, body, secret)
	if err != nil {
		t.Fatal(err)
	}
	if got.Push == nil || got.Push.SHA != sha || got.Push.Message != "a + b & c = 100%" {
		t.Errorf("push = %+v", got.Push)
	}
}

func TestReadDeliveryRefusesEverythingButTheRightSignature(t *testing.T) {
	body := events.Push{SHA: sha}.Payload()
	right := events.Sign(secret, body)
	cases := map[string]struct {
		change func(h http.Header)
		secret string
	}{
		"right (control)":       {func(http.Header) {}, secret},
		"none":                  {func(h http.Header) { h.Del("X-Hub-Signature-256") }, secret},
		"empty":                 {func(h http.Header) { h.Set("X-Hub-Signature-256", "") }, secret},
		"SHA-1 only":            {func(h http.Header) { sha1Only(h, body) }, secret},
		"SHA-1 in the new name": {func(h http.Header) { h.Set("X-Hub-Signature-256", sha1Of(body)) }, secret},
		"SHA-512 in the header": {func(h http.Header) { h.Set("X-Hub-Signature-256", "sha512="+right[7:]) }, secret},
		"other secret": {
			func(h http.Header) { h.Set("X-Hub-Signature-256", events.Sign("other", body)) },
			secret,
		},
		"other body": {
			func(h http.Header) { h.Set("X-Hub-Signature-256", events.Sign(secret, body[1:])) },
			secret,
		},
		"without prefix": {func(h http.Header) { h.Set("X-Hub-Signature-256", right[7:]) }, secret},
		"cut short":      {func(h http.Header) { h.Set("X-Hub-Signature-256", right[:len(right)-2]) }, secret},
		"too long":       {func(h http.Header) { h.Set("X-Hub-Signature-256", right+"00") }, secret},
		"not hexadecimal": {
			func(h http.Header) { h.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("zz", 32)) },
			secret,
		},
		"space around":           {func(h http.Header) { h.Set("X-Hub-Signature-256", " "+right) }, secret},
		"twice, right one first": {func(h http.Header) { h.Add("X-Hub-Signature-256", right) }, secret},
		"empty secret, unsigned": {func(h http.Header) { h.Del("X-Hub-Signature-256") }, ""},
		"empty secret, signed":   {func(h http.Header) { h.Set("X-Hub-Signature-256", events.Sign("", body)) }, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := events.Header(secret, "push", body)
			c.change(h)
			d, err := read(h, body, c.secret)
			if strings.Contains(name, "control") {
				if err != nil {
					t.Fatalf("the control was refused: %v", err)
				}
				return
			}
			if !errors.Is(err, delivery.ErrSignature) || d != (delivery.Verified{}) {
				t.Errorf("got %+v, %v, want nothing and ErrSignature", d, err)
			}
			if err != nil && strings.Contains(err.Error(), right[7:]) {
				t.Errorf("the error shows the right signature: %v", err)
			}
		})
	}
}

func TestReadDeliverySaysWhyNothingIsBuilt(t *testing.T) {
	cases := map[string]struct {
		push events.Push
		want string
	}{
		"deleted branch": {events.Push{Ref: "refs/heads/old", Deleted: true}, "branch old was deleted"},
		"deleted tag":    {events.Push{Ref: "refs/tags/v1", Deleted: true}, "tag v1 was deleted"},
		"other ref":      {events.Push{Ref: "refs/notes/commits"}, "is neither a branch nor a tag"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := deliver("push", c.push.Payload())
			if err != nil || got.Push != nil || !strings.Contains(got.Ignored, c.want) {
				t.Errorf("got push %+v, ignored %q, %v, want %q", got.Push, got.Ignored, err, c.want)
			}
		})
	}
}

func TestReadDeliveryBuildsWhatOnlyLooksEmpty(t *testing.T) {
	cases := map[string]events.Push{
		"forced push back to an old commit": {Forced: true, NoCommits: true, SHA: sha},
		"new branch with commits":           {Created: true, SHA: sha},
		"tag":                               {Ref: "refs/tags/v1", Created: true, SHA: sha}, // the operator decides
		// bare: the store knows whether its commit was built
		"new branch without commits": {Created: true, NoCommits: true, SHA: sha},
		"SHA-256 repository":         {SHA: strings.Repeat("ab", 32)},
	}
	for name, p := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := deliver("push", p.Payload())
			if err != nil || got.Push == nil || got.Push.SHA != p.SHA || got.Push.Bare != (p.Created && p.NoCommits) {
				t.Errorf("got push %+v, ignored %q, %v", got.Push, got.Ignored, err)
			}
		})
	}
}

func TestReadDeliveryAnswersPingAndIgnoresOtherEvents(t *testing.T) {
	for event, want := range map[string]string{"ping": "ping received", "issues": "issues events are not built"} {
		got, err := deliver(event, []byte(`{"zen":"Design for failure.","hook_id":1}`))
		if err != nil || got.Push != nil || !strings.Contains(got.Ignored, want) {
			t.Errorf("%s: got push %+v, ignored %q, %v", event, got.Push, got.Ignored, err)
		}
	}
}

// TestAPingNamesTheEventsThatItsHookLacks: it is the first that people see of a hook, and the last for as
// long as nothing is sent.
func TestAPingNamesTheEventsThatItsHookLacks(t *testing.T) {
	for hook, lacks := range map[string]bool{
		`{"events":["push"]}`: false, `{"events":["*"]}`: false, `{"events":["issues","push"]}`: false,
		`{"events":["issues"]}`: true, `{}`: false, `{"events":"push"}`: false, `null`: false, `7`: false,
	} {
		got, err := deliver("ping", []byte(`{"zen":"Design for failure.","hook_id":1,"hook":`+hook+`}`))
		if err != nil || !strings.HasPrefix(got.Ignored, "ping received") ||
			strings.Contains(got.Ignored, "does not send the event push") != lacks {
			t.Errorf("%s: %q, %v; want that it lacks push: %t", hook, got.Ignored, err, lacks)
		}
	}
	for events, lacks := range map[string]bool{`"push"`: true, `"push","pull_request"`: false, `"*"`: false} {
		got, err := deliver("ping", []byte(`{"zen":"Design for failure.","hook_id":1,"hook":{"events":[`+events+`]}}`))
		if err != nil || strings.Contains(got.Ignored, "add the event pull_request") != lacks {
			t.Errorf("%s: %q, %v; want that it lacks pull requests: %t", events, got.Ignored, err, lacks)
		}
	}
}

func TestReadDeliveryRefusesOtherMediaTypesBeforeReading(t *testing.T) {
	body := events.Push{SHA: sha}.Payload()
	for _, contentType := range []string{
		"", "text/plain", "application/xml", "application/jsonx", "multipart/form-data; boundary=x", ";",
	} {
		h := events.Header(secret, "push", body)
		h.Set("Content-Type", contentType)
		if _, err := read(h, body, secret); !errors.Is(err, delivery.ErrMediaType) {
			t.Errorf("content type %q: got %v, want ErrMediaType", contentType, err)
		}
	}
	h := events.Header(secret, "push", body)
	h.Set("Content-Type", "Application/JSON; charset=utf-8")
	if _, err := read(h, body, secret); err != nil {
		t.Errorf("the control was refused: %v", err)
	}
}

func TestReadDeliveryRefusesHeadersThatGitHubDoesNotSend(t *testing.T) {
	body := events.Push{SHA: sha}.Payload()
	for name, value := range map[string]string{
		"X-GitHub-Delivery": "../../etc",
		"X-GitHub-Event":    "push\x00",
	} {
		for _, value := range []string{"", value, strings.Repeat("a", 65)} {
			h := events.Header(secret, "push", body)
			h.Set(name, value)
			if _, err := read(h, body, secret); !errors.Is(err, delivery.ErrMalformed) {
				t.Errorf("%s %q: got %v, want ErrMalformed", name, value, err)
			}
		}
	}
}

func TestReadDeliveryRefusesPayloadsThatTwoReadersReadDifferently(t *testing.T) {
	good := events.Push{SHA: sha}.Payload()
	other := `{"full_name":"victim/secret","private":true}`
	replace := func(from, to string) []byte {
		if !bytes.Contains(good, []byte(from)) {
			t.Fatalf("the payload does not contain %s", from)
		}
		return bytes.Replace(good, []byte(from), []byte(to), 1)
	}
	if _, err := deliver("push", good); err != nil {
		t.Fatalf("the control was refused: %v", err)
	}
	for name, body := range map[string][]byte{
		"two repositories":           replace(`"repository":`, `"repository":`+other+`,"repository":`),
		"two, other case":            replace(`"repository":`, `"Repository":`+other+`,"repository":`),
		"two, long s":                replace(`"pusher":`, `"puſher":{"name":"x"},"pusher":`),
		"two, escaped":               replace(`"repository":`, `"\u0072epository":`+other+`,"repository":`),
		"two full names":             replace(`"full_name":`, `"full_name":"victim/secret","full_name":`),
		"two full names, other case": replace(`"full_name":`, `"FULL_NAME":"victim/secret","full_name":`),
		"not UTF-8":                  replace(`"pusher":`, "\"\xff\":1,\"pusher\":"),
		"two values":                 append(bytes.Clone(good), "{}"...),
		"an array":                   []byte("[" + string(good) + "]"),
		"cut short":                  good[:len(good)-1],
		"nothing":                    {},
		"null":                       []byte("null"),
		"no repository":              replace(`"repository":`, `"repo":`),
		"repository is null":         []byte(`{"ref":"refs/heads/main","repository":null}`),
		"repository is a text":       []byte(`{"ref":"refs/heads/main","repository":"octo/x"}`),
		"negative id":                replace(`"id":186853002`, `"id":-1`),
		"no head commit":             replace(`"head_commit":`, `"head_commit_":`),
		"a form":                     []byte("payload=" + url.QueryEscape(string(good))),
	} {
		if got, err := deliver("push", body); !errors.Is(err, delivery.ErrMalformed) {
			t.Errorf("%s: got %+v, %v, want ErrMalformed", name, got.Push, err)
		}
	}
}

func TestReadDeliveryRefusesFormsWithAnythingButOnePayload(t *testing.T) {
	payload := url.QueryEscape(string(events.Push{SHA: sha}.Payload()))
	for name, body := range map[string]string{
		"none":         "other=" + payload,
		"two":          "payload=" + payload + "&payload=" + payload,
		"bad escape":   "payload=%zz",
		"bare payload": string(events.Push{SHA: sha}.Payload()),
	} {
		h := events.Header(secret, "push", []byte(body))
		h.Set("Content-Type", "application/x-www-form-urlencoded")
		if _, err := read(h, []byte(body), secret); !errors.Is(err, delivery.ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
}

func TestReadDeliveryRefusesNamesThatCouldLeadElsewhere(t *testing.T) {
	for name, p := range map[string]events.Push{
		"SHA is an option":       {SHA: "--upload-pack=touch /tmp/x"},
		"SHA is short":           {SHA: "abcdef1"},
		"SHA in upper case":      {SHA: strings.ToUpper(sha)},
		"SHA with a line break":  {SHA: sha + "\n"},
		"SHA is zero":            {SHA: events.Zeros},
		"ref is short":           {Ref: "main", SHA: sha},
		"ref leads up":           {Ref: "refs/heads/../../x", SHA: sha},
		"ref has a line break":   {Ref: "refs/heads/a\nb", SHA: sha},
		"ref is too long":        {Ref: "refs/heads/" + strings.Repeat("a", 300), SHA: sha},
		"repository leads up":    {Repo: "octo/..", SHA: sha},
		"repository of dots":     {Repo: "octo/...", SHA: sha},
		"repository in a folder": {Repo: "octo/a/b", SHA: sha},
		"repository with a host": {Repo: "https://evil.example/octo/a", SHA: sha},
		"repository is an URL":   {Repo: "octo@evil.example/a", SHA: sha},
		"repository ends in git": {Repo: "octo/a.git", SHA: sha},
		"look-alike letter":      {Repo: "оcto/a", SHA: sha}, // a Cyrillic o
		"full-width letter":      {Repo: "octo/ａ", SHA: sha},
		"owner is an option":     {Repo: "-octo/a", SHA: sha},
		"owner is too long":      {Repo: strings.Repeat("a", 40) + "/a", SHA: sha},
		"name is too long":       {Repo: "octo/" + strings.Repeat("a", 101), SHA: sha},
		"no owner":               {Repo: "/a", SHA: sha},
		"no name":                {Repo: "octo/", SHA: sha},
	} {
		if got, err := deliver("push", p.Payload()); !errors.Is(err, delivery.ErrMalformed) {
			t.Errorf("%s: got %+v, ignored %q, %v, want ErrMalformed", name, got.Push, got.Ignored, err)
		}
	}
}

func TestReadDeliveryMakesFreeTextsFitForOneLine(t *testing.T) {
	got, err := deliver("push", events.Push{
		SHA: sha, Author: "mo\x1b[31mna\u202e", Message: "\n" + strings.Repeat("ä", 300) + "\r\nmore",
	}.Payload())
	if err != nil {
		t.Fatal(err)
	}
	if got.Push.Author != "mo[31mna" {
		t.Errorf("author = %q", got.Push.Author)
	}
	if want := strings.Repeat("ä", 249) + "…"; got.Push.Message != want {
		t.Errorf("message = %q", got.Push.Message)
	}
}

func TestReadDeliveryTakesARepositoryForPrivateUnlessToldOtherwise(t *testing.T) {
	body := events.Push{SHA: sha}.Payload()
	got, err := deliver("push", body)
	if err != nil || got.Push.Repo.Private {
		t.Fatalf("control: got %+v, %v", got.Push, err)
	}
	got, err = deliver("push", bytes.Replace(body, []byte(`"private":`), []byte(`"privy":`), 1))
	if err != nil || !got.Push.Repo.Private {
		t.Errorf("got %+v, %v, want a private repository", got.Push, err)
	}
}

func TestReadDeliveryTellsWhoseSecretMustHaveSigned(t *testing.T) {
	body := events.Push{Repo: "octo/hello", RepoID: 42, SHA: sha}.Payload()
	for name, c := range map[string]struct {
		body []byte
		want delivery.Origin
	}{
		"a repository":    {body, delivery.Origin{Repository: "octo/hello", ID: 42}},
		"an organization": {[]byte(`{"zen":"z","organization":{"login":"octo"}}`), delivery.Origin{Owner: "octo"}},
		"nothing":         {[]byte(`{"zen":"z"}`), delivery.Origin{}},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := delivery.Read(events.Header("a guess", "ping", c.body), c.body)
			if err != nil || u.Origin != c.want {
				t.Errorf("claimed %+v, %v; want %+v", u.Origin, err, c.want)
			}
			d, err := read(events.Header(secret, "ping", c.body), c.body, secret)
			if err != nil || d.Origin != c.want {
				t.Errorf("verified, it is %+v, %v; want %+v", d.Origin, err, c.want)
			}
		})
	}
}

func TestReadDeliveryTakesAnyOfTheSecretsThatCount(t *testing.T) {
	body := events.Push{SHA: sha}.Payload()
	tryAll := func(secrets ...string) error {
		_, err := read(events.Header(secret, "push", body), body, secrets...)
		return err
	}
	for _, secrets := range [][]string{{secret}, {"newer", secret}, {secret, "older"}} {
		if err := tryAll(secrets...); err != nil {
			t.Errorf("with %q: %v", secrets, err)
		}
	}
	for _, secrets := range [][]string{nil, {}, {""}, {"newer", "older"}} {
		if err := tryAll(secrets...); !errors.Is(err, delivery.ErrSignature) {
			t.Errorf("with %q: %v, want ErrSignature", secrets, err)
		}
	}
}
