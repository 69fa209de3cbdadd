package builds

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"vivarium/pipeline"
)

func TestVerdictsAreThoseOfTheLastPushBeforeTheTime(t *testing.T) {
	everyDatabase(t, func(t *testing.T, b *Builds) {
		const heads = "refs/heads/"
		one, two, three := "school/group-1", "school/group-2", "school/group-1x"
		handIn(t, b, Row{Repo: one, Ref: heads + "main", SHA: "a", State: pipeline.Failed}, 3*time.Hour)
		handIn(t, b, Row{Repo: "School/Group-1", Ref: heads + "main", SHA: "b", State: pipeline.Failed}, 2*time.Hour)
		handIn(t, b, Row{Repo: one, Ref: heads + "main", SHA: "c", State: pipeline.Passed}, -time.Microsecond) // too late
		handIn(t, b, Row{Repo: one, Ref: heads + "main", SHA: "b", State: pipeline.Passed, Trigger: "rerun"}, -time.Hour)
		handIn(t, b, Row{Repo: one, Ref: heads + "draft", SHA: "d", State: pipeline.Running}, time.Minute)
		handIn(t, b, Row{Repo: one, Ref: "refs/tags/v1", SHA: "e", State: pipeline.Passed}, time.Minute)
		handIn(t, b, Row{Repo: two, Ref: heads + "main", SHA: "b", State: pipeline.Failed, Private: true}, 0) // just in time
		handIn(t, b, Row{Repo: three, Ref: heads + "main", SHA: "f", State: pipeline.Errored}, time.Hour)
		handIn(t, b, Row{Repo: "school/groupZ1", Ref: heads + "main", SHA: "f", State: pipeline.Passed}, time.Hour)
		handIn(t, b, Row{Repo: "other/group-1", Ref: heads + "main", SHA: "g", State: pipeline.Passed}, time.Hour)
		handIn(
			t, b, Row{Repo: "moved/x", Ref: heads + "main", DefaultBranch: "main", SHA: "h", State: pipeline.Failed},
			3*time.Hour,
		)
		handIn(
			t, b, Row{Repo: "moved/x", Ref: heads + "trunk", DefaultBranch: "trunk", SHA: "i", State: pipeline.Passed},
			2*time.Hour,
		)
		handIn(
			t, b, Row{Repo: "moved/x", Ref: heads + "draft", DefaultBranch: "trunk", SHA: "j", State: pipeline.Failed},
			time.Hour,
		)
		for name, c := range map[string]struct {
			query VerdictQuery
			want  []string
		}{
			"all of a pattern": {VerdictQuery{Sight: Sight{All: true}, At: deadline, Repos: "school/group-*"}, []string{
				"school/group-1 draft d running", "School/Group-1 main b passed", "school/group-1x main f errored",
				"school/group-2 main b failed",
			}},
			"one repository, in other letters": {VerdictQuery{
				Sight: Sight{All: true}, At: deadline, Repos: "SCHOOL/group-1",
			}, []string{
				"school/group-1 draft d running", "School/Group-1 main b passed",
			}},
			"without private ones": {VerdictQuery{At: deadline, Repos: "school/group-*", Sight: Sight{Public: true}}, []string{
				"school/group-1 draft d running", "School/Group-1 main b passed", "school/group-1x main f errored",
			}},
			"a page": {VerdictQuery{
				Sight: Sight{All: true}, At: deadline, After: Branch{"School/group-1", heads + "draft"}, Limit: 2,
			}, []string{
				"School/Group-1 main b passed", "school/group-1x main f errored",
			}},
			"later": {VerdictQuery{Sight: Sight{All: true}, At: deadline.Add(time.Second), Repos: one}, []string{
				"school/group-1 draft d running", "school/group-1 main c passed",
			}},
			"earlier": {
				VerdictQuery{Sight: Sight{All: true}, At: deadline.Add(-150 * time.Minute)},
				[]string{"moved/x main h failed", "school/group-1 main a failed"},
			},
			"before": {VerdictQuery{Sight: Sight{All: true}, At: deadline.Add(-4 * time.Hour)}, nil},
			"of what is the default branch now": {
				VerdictQuery{Sight: Sight{All: true}, At: deadline, Repos: "Moved/x", DefaultBranch: true},
				[]string{"moved/x trunk i passed"},
			},
			"of what was it then": {
				VerdictQuery{Sight: Sight{All: true}, At: deadline.Add(-150 * time.Minute), Repos: "moved/x", DefaultBranch: true},
				[]string{"moved/x main h failed"},
			},
			"now": {
				VerdictQuery{Sight: Sight{All: true}, Repos: two}, []string{"school/group-2 main b failed"},
			},
		} {
			t.Run(name, func(t *testing.T) {
				b.db.Now = func() time.Time { return deadline.Add(time.Hour) }
				verdicts, err := b.Verdicts(t.Context(), c.query)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, v := range verdicts {
					got = append(
						got,
						fmt.Sprintf("%s %s %s %s", v.Push.Repo.FullName, v.Push.Ref[len(heads):], v.Judged.SHA, v.Judged.State),
					)
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("got  %q\nwant %q", got, c.want)
				}
			})
		}
	})
}
