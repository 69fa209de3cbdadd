package approve

import (
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/store"
	"vivarium/server/store/pulls"
)

func TestApprovingIsOfTheCommitThatWasLookedAt(t *testing.T) {
	s, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	sha, other := strings.Repeat("5", 40), strings.Repeat("6", 40)
	accepted, err := s.Pulls.Accept(t.Context(), pulls.Pull{
		GUID: "1", BodyHash: "1", Repo: pipeline.Repository{ID: 7, FullName: "octo/hello"}, Number: 12, SHA: sha, Fork: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	id := accepted.BuildID
	var out strings.Builder
	if err := approve(t.Context(), &out, "mona", s, id, other); err == nil || !strings.Contains(err.Error(), sha) {
		t.Errorf("another commit: %v", err)
	}
	if err := approve(t.Context(), &out, "mona", s, id, sha); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Builds.Get(t.Context(), id); err != nil || b.State != pipeline.Queued {
		t.Errorf("approved: %+v, %v", b, err)
	}
	if audit, err := s.People.Audit(t.Context(), 1); err != nil || audit[0].Who != "mona" {
		t.Errorf("audit %+v, %v", audit, err)
	}
	err = approve(t.Context(), &out, "mona", s, id, "")
	if err == nil || !strings.Contains(err.Error(), "waits for no approval") {
		t.Errorf("twice: %v", err)
	}
}
