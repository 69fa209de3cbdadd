package delivery_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"vivarium/server/github/delivery"
	"vivarium/server/github/githubtest/events"
)

// changed is a push's payload in which one member, named by its path, has another value.
func changed(t *testing.T, path, value string) []byte {
	t.Helper()
	var payload map[string]any
	if err := json.Unmarshal(events.Push{SHA: sha}.Payload(), &payload); err != nil {
		t.Fatal(err)
	}
	inner, names := payload, strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		inner = inner[name].(map[string]any)
	}
	inner[names[len(names)-1]] = json.RawMessage(value)
	body, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestADeliveryIsRefusedOnlyForWhatABuildNeeds: everything else in it may have any type and value.
func TestADeliveryIsRefusedOnlyForWhatABuildNeeds(t *testing.T) {
	odd := []string{`null`, `true`, `-1.5e300`, `"x"`, `[1,{}]`, `{"a":[null]}`}
	for _, path := range []string{
		"before", "after", "base_ref", "compare", "forced", "sender", "organization", "installation", "pusher",
		"pusher.name",
		"commits", "head_commit.message", "head_commit.timestamp", "head_commit.author", "head_commit.added",
		"repository.organization", "repository.owner", "repository.pushed_at", "repository.created_at",
		"repository.default_branch",
		"repository.size", "repository.topics", "repository.license", "repository.custom_properties",
	} {
		for _, value := range odd {
			got, err := deliver("push", changed(t, path, value))
			if err != nil || got.Push == nil || got.Push.SHA != sha {
				t.Errorf("%s of %s: got push %+v, %v; want it read", path, value, got.Push, err)
			}
		}
	}
	for _, path := range []string{"ref", "head_commit", "head_commit.id", "repository", "repository.full_name"} {
		for _, value := range odd {
			if _, err := deliver("push", changed(t, path, value)); !errors.Is(err, delivery.ErrMalformed) {
				t.Errorf("control: %s of %s: %v, want ErrMalformed", path, value, err)
			}
		}
	}
}

func TestReadDeliveryTakesAnOddDateOfACommit(t *testing.T) {
	got, err := deliver("push", changed(t, "head_commit.timestamp", `"2011-04-14T16:00:49+51:48"`))
	if err != nil || got.Push == nil {
		t.Errorf("got push %+v, %v", got.Push, err)
	}
}

func TestReadDeliveryReadsWhenAPushWasMade(t *testing.T) {
	for value, want := range map[string]time.Time{
		`1793610930`:             time.Unix(1793610930, 0).UTC(),
		`"2026-11-02T09:15:30Z"`: time.Unix(1793610930, 0).UTC(),
		`0`:                      {},
		`null`:                   {},
		`"yesterday"`:            {},
	} {
		got, err := deliver("push", changed(t, "repository.pushed_at", value))
		if err != nil || !got.Push.At.Equal(want) {
			t.Errorf("%s: read as %v, %v; want %v", value, got.Push.At, err, want)
		}
	}
}

func TestReadDeliveryTellsThatARepositoryIsPrivate(t *testing.T) {
	for event, body := range map[string]string{
		"repository": `{"action":"privatized","repository":{"full_name":"octo/hello","id":7,"private":true}}`,
		"ping":       `{"zen":"z","repository":{"full_name":"octo/hello","id":7,"private":true}}`,
		"push":       string(events.Push{Deleted: true, Private: true}.Payload()),
	} {
		if got, err := deliver(event, []byte(body)); err != nil || !got.Private || got.Ignored == "" {
			t.Errorf("%s: got %+v, %v", event, got, err)
		}
		for _, said := range []string{`"private":false`, `"private":"true"`, `"privy":true`} {
			open := strings.Replace(body, `"private":true`, said, 1)
			if got, err := deliver(event, []byte(open)); err != nil || got.Private {
				t.Errorf("control: %s with %s: got %+v, %v", event, said, got, err)
			}
		}
	}
}

// TestTheClaimIsWhatIsReadOnceTheSignatureHeld: otherwise a sender could be taken for one
// repository and have another one built.
func TestTheClaimIsWhatIsReadOnceTheSignatureHeld(t *testing.T) {
	good := events.Push{Repo: "octo/hello", RepoID: 42, SHA: sha}.Payload()
	const other = `{"full_name":"victim/secret","id":42,"private":true}`
	for name, body := range map[string][]byte{
		"another behind it": bytes.Replace(good, []byte(`"sender":`), []byte(`"repository":`+other+`,"sender":`), 1),
		"another behind it, in capitals": bytes.Replace(good, []byte(`"sender":`),
			[]byte(`"REPOSITORY":`+other+`,"sender":`), 1),
		"a second name": bytes.Replace(good, []byte(`"full_name":"octo/hello"`),
			[]byte(`"full_name":"octo/hello","full_name":"victim/secret"`), 1),
		"a second id":       bytes.Replace(good, []byte(`"id":42`), []byte(`"id":42,"id":43`), 1),
		"rubbish behind it": append(bytes.Clone(good[:len(good)-1]), `,"x":[}`...),
		"rubbish between":   bytes.Replace(good, []byte(`"ref":`), []byte(`"x":[},"ref":`), 1),
	} {
		if bytes.Equal(body, good) {
			t.Fatalf("%s: the payload is as it was", name)
		}
		if got, err := deliver("push", body); !errors.Is(err, delivery.ErrMalformed) {
			t.Errorf("%s: got %+v, %v, want ErrMalformed", name, got.Push, err)
		}
	}
	if _, err := deliver("push", good); err != nil {
		t.Errorf("control: %v", err)
	}
}
