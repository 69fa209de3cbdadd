package export

import (
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/store"
	"vivarium/server/store/builds"
	"vivarium/server/store/queue"
)

func TestExportReadsEveryPage(t *testing.T) {
	s, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, repo := range []string{"school/b", "School/a", "school/c", "school/d", "other/a"} {
		_, err := s.Queue.AcceptPush(t.Context(), queue.Push{
			GUID: repo, BodyHash: repo, Repo: pipeline.Repository{FullName: repo}, Ref: "refs/heads/main",
			SHA: strings.Repeat("1", 40),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	verdicts, err := allVerdicts(t.Context(), s.Builds,
		builds.VerdictQuery{Sight: builds.Sight{All: true}, Repos: "school/*", Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range verdicts {
		names = append(names, v.Push.Repo.FullName)
	}
	if got := strings.Join(names, " "); got != "School/a school/b school/c school/d" {
		t.Errorf("got %s", got)
	}
}
