package outbox

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/checkrun"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/outbox/budget"
)

// checks is a host of check runs. Each has the number of its build and 100.
type checks struct {
	runs []checkrun.Run
	fail []error // one for each post, as long as there are some
}

func (c *checks) PostCheck(_ context.Context, r checkrun.Run) (int64, error) {
	c.runs = append(c.runs, r)
	if len(c.fail) > 0 {
		err := c.fail[0]
		c.fail = c.fail[1:]
		if err != nil {
			return r.ID, err
		}
	}
	return r.Build + 100, nil
}

// checkerTo makes a sender that posts to both, of builds as the database has them.
func checkerTo(t *testing.T, db *database.DB, h *host, c *checks) *Sender {
	s := senderTo(t, db, h)
	s.Checker = c
	s.CheckOf = func(ctx context.Context, build int64) (checkrun.Run, error) {
		var b builds.Row
		err := db.Read(ctx).Take(&b, build).Error
		return checkrun.Of(b.Build(), nil), err
	}
	return s
}

// checked tells of a build's state by a check run, in a repository of a GitHub App's.
func checked(t *testing.T, db *database.DB, b builds.Row, state pipeline.State) {
	t.Helper()
	b.State = state
	a := Adder{Checks: func(*database.Tx, string) (bool, error) { return true, nil }}
	must(t, db.Transact(t.Context(), func(tx *database.Tx) error {
		if err := tx.Model(&builds.Row{}).Where("id = ?", b.ID).Update("state", state).Error; err != nil {
			return err
		}
		job, err := a.Add(tx, b)
		if err != nil {
			return err
		}
		return tx.Jobs.Insert(t.Context(), job)
	}))
}

// workAll works on every target.
func workAll(t *testing.T, s *Sender) {
	t.Helper()
	var ids []int64
	must(t, s.db.Read(t.Context()).Model(&targetRow{}).Order("id").Pluck("id", &ids).Error)
	for _, id := range ids {
		work(t, s, id)
	}
}

func onEach(t *testing.T, test func(t *testing.T, db *database.DB)) {
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) { test(t, open()) })
}

func (c *checks) told() (list []string) {
	for _, r := range c.runs {
		list = append(list, r.Status+r.Conclusion)
	}
	return list
}

// TestEachBuildHasOneCheckRun: a second build of the commit leaves the first one's alone.
func TestEachBuildHasOneCheckRun(t *testing.T) {
	onEach(t, func(t *testing.T, db *database.DB) {
		h, c := &host{}, &checks{}
		s := checkerTo(t, db, h, c)
		first := build(t, db, sha, main)
		checked(t, db, first, pipeline.Queued)
		workAll(t, s)
		second := build(t, db, sha, main)
		checked(t, db, second, pipeline.Passed)
		workAll(t, s)
		checked(t, db, first, pipeline.Failed)
		workAll(t, s)
		want := []string{"queued", "completedsuccess", "completedfailure"}
		if got := c.told(); !slices.Equal(got, want) || len(h.posts) > 0 {
			t.Errorf("told %v, and %d statuses", got, len(h.posts))
		}
		if c.runs[0].ID != 0 || c.runs[1].ID != 0 || c.runs[2].ID != first.ID+100 || c.runs[2].Name != "vivarium" {
			t.Errorf("runs %d, %d, %d", c.runs[0].ID, c.runs[1].ID, c.runs[2].ID)
		}
	})
}

// TestACommitThatHadAStatusKeepsIt: a host that requires the name wants both to be green.
func TestACommitThatHadAStatusKeepsIt(t *testing.T) {
	onEach(t, func(t *testing.T, db *database.DB) {
		h, c := &host{}, &checks{}
		s := checkerTo(t, db, h, c)
		tell(t, db, build(t, db, sha, main), pipeline.Failed)
		workAll(t, s)
		again := build(t, db, sha, main)
		checked(t, db, again, pipeline.Passed)
		workAll(t, s)
		if got := h.states(); !slices.Equal(got, []string{"failure", "success"}) || len(c.runs) != 1 {
			t.Errorf("statuses %v, runs %v", got, c.told())
		}
		h.posts, c.runs = nil, nil
		other := build(t, db, strings.Repeat("b", 40), main)
		checked(t, db, other, pipeline.Queued)
		must(t, db.Transact(t.Context(), func(tx *database.Tx) error {
			return tx.Model(&builds.Row{}).Where("id = ?", other.ID).Update("state", pipeline.Passed).Error
		}))
		tell(t, db, other, pipeline.Passed) // checks were switched off meanwhile
		workAll(t, s)
		if got := c.told(); !slices.Equal(got, []string{"completedsuccess"}) || len(h.posts) != 1 {
			t.Errorf("a run that was begun is left as %v, with %v", got, h.states())
		}
	})
}

// TestARunWhosePostEndedWithoutAnAnswerIsLookedFor: the next try may find it made.
func TestARunWhosePostEndedWithoutAnAnswerIsLookedFor(t *testing.T) {
	onEach(t, func(t *testing.T, db *database.DB) {
		c := &checks{fail: []error{&pipeline.RetryError{Unsure: true, Err: errors.New("no answer")}}}
		s := checkerTo(t, db, &host{}, c)
		checked(t, db, build(t, db, sha, main), pipeline.Queued)
		workAll(t, s)
		must(t, db.Transact(t.Context(), func(tx *database.Tx) error {
			return tx.Exec("UPDATE status_targets SET not_before = 0").Error
		}))
		workAll(t, s)
		if len(c.runs) != 2 || c.runs[0].Retried || !c.runs[1].Retried {
			t.Errorf("got %+v", c.runs)
		}
	})
}

// TestARunThatIsRefusedIsToldInPlainWords: once, and nothing of the build is in it.
func TestARunThatIsRefusedIsToldInPlainWords(t *testing.T) {
	onEach(t, func(t *testing.T, db *database.DB) {
		c := &checks{fail: []error{&pipeline.RefusedError{Code: http.StatusUnprocessableEntity, Message: "no"}}}
		s := checkerTo(t, db, &host{}, c)
		checked(t, db, build(t, db, sha, main), pipeline.Passed)
		workAll(t, s)
		if len(c.runs) != 2 || c.runs[1].Summary != (checkrun.Run{}).Plain().Summary || c.runs[1].Conclusion != "success" {
			t.Errorf("got %+v", c.runs)
		}
	})
}

// TestOnlyTheNewestStateOfABuildsRunIsSent: each post tells of the build as it is then.
func TestOnlyTheNewestStateOfABuildsRunIsSent(t *testing.T) {
	onEach(t, func(t *testing.T, db *database.DB) {
		c := &checks{}
		s := checkerTo(t, db, &host{}, c)
		b := build(t, db, sha, main)
		progress := func() {
			must(t, db.Transact(t.Context(), func(tx *database.Tx) error { return Progress(tx, b.ID, pipeline.StepTest) }))
		}
		progress() // it has no run
		for _, state := range []pipeline.State{pipeline.Queued, pipeline.Running, pipeline.Passed} {
			checked(t, db, b, state)
		}
		workAll(t, s)
		if got := c.told(); !slices.Equal(got, []string{"completedsuccess"}) {
			t.Errorf("told %v", got)
		}
		list, err := New(db).Statuses(t.Context(), b.ID)
		must(t, err)
		if len(list) != 3 || !list[0].Superseded || list[2].SentAt.IsZero() || list[2].Context != "vivarium" {
			t.Errorf("got %+v", list)
		}
	})
}

// TestEachRequestOfACheckRunCountsAgainstTheBudget: fifty annotations go with each, and another
// installation's are not touched.
func TestEachRequestOfACheckRunCountsAgainstTheBudget(t *testing.T) {
	onEach(t, func(t *testing.T, db *database.DB) {
		s := checkerTo(t, db, &host{}, &checks{})
		s.Budget = budget.Limits{Minute: 100, Hour: 100}
		s.Account = func(string) string { return "app at octo" }
		of := s.CheckOf
		s.CheckOf = func(ctx context.Context, build int64) (checkrun.Run, error) {
			run, err := of(ctx, build)
			run.Annotations = make([]checkrun.Annotation, 120)
			return run, err
		}
		checked(t, db, build(t, db, sha, main), pipeline.Failed)
		workAll(t, s)
		used, err := New(db).Used(t.Context())
		if want := map[string]budget.Use{"app at octo": {Minute: 4, Hour: 4}}; err != nil || !maps.Equal(used, want) {
			t.Errorf("used %v, %v; want %v", used, err, want)
		}
	})
}
