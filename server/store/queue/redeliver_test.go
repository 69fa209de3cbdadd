package queue_test

import (
	"errors"
	"sync"
	"testing"

	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// TestARedeliveredPushIsBuiltAgainWhereItsBuildCameToNothing: it errored or was canceled, and
// GitHub's Redeliver is what people find first.
func TestARedeliveredPushIsBuiltAgainWhereItsBuildCameToNothing(t *testing.T) {
	for state, again := range map[pipeline.State]bool{
		pipeline.Queued: false, pipeline.Running: false, pipeline.Passed: false, pipeline.Failed: false,
		pipeline.Errored: true, pipeline.Canceled: true,
	} {
		t.Run(string(state), func(t *testing.T) {
			everyDatabase(t, func(t *testing.T, open func() *Store) {
				s := open()
				first := accept(t, s, push(1))
				endAs(t, s, first, state)
				a, err := s.AcceptPush(t.Context(), push(1))
				must(t, err)
				if !again {
					if a != (Accepted{BuildID: first, Duplicate: true}) {
						t.Errorf("got %+v, want a duplicate of build %d", a, first)
					}
					return
				}
				b, err := s.Builds.Get(t.Context(), a.BuildID)
				if err != nil || a.Duplicate || a.Again != first || b.RerunOf != first || b.Trigger != "rerun" ||
					b.SHA != push(1).SHA || b.State != pipeline.Queued {
					t.Fatalf("got %+v, %+v, %v; want a new build of the same commit", a, b, err)
				}
				if twice, err := s.AcceptPush(t.Context(), push(1)); err != nil || !twice.Duplicate ||
					twice.BuildID != b.ID {
					t.Errorf("while that one waits: got %+v, %v; want a duplicate of build %d", twice, err, b.ID)
				}
				endAs(t, s, b.ID, pipeline.Passed)
				if third, err := s.AcceptPush(t.Context(), push(1)); err != nil || !third.Duplicate ||
					third.BuildID != b.ID {
					t.Errorf("when that one has passed: got %+v, %v; want a duplicate of build %d", third, err, b.ID)
				}
				v, err := s.Builds.Verdicts(t.Context(), builds.VerdictQuery{Sight: builds.Sight{All: true}})
				if err != nil || len(v) != 1 || v[0].Push.ID != first || v[0].Judged.ID != b.ID {
					t.Errorf("verdict %+v, %v; want build %d of push %d", v, err, b.ID, first)
				}
			})
		})
	}
}

// TestARedeliveryAmidAPurgeIsANewDelivery: its builds are removed between the look for the delivery
// and the one for them.
func TestARedeliveryAmidAPurgeIsANewDelivery(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		first := accept(t, s, push(1))
		purged := false
		purge := func(db *gorm.DB) {
			if db.Statement.Table == "deliveries" && db.RowsAffected > 0 {
				purged = true
				must(t, db.Session(&gorm.Session{NewDB: true}).Exec("DELETE FROM builds WHERE id = ?", first).Error)
			}
		}
		must(t, s.Database.Transact(t.Context(), func(tx *database.Tx) error {
			return tx.Callback().Query().After("gorm:query").Register("purge", purge)
		}))
		a, err := s.AcceptPush(t.Context(), push(1))
		if !purged || err != nil || a.Duplicate || a.BuildID == 0 || a.BuildID == first {
			t.Fatalf("got %+v, %v, purged %t; want a new build", a, err, purged)
		}
		if b, err := s.Builds.Get(t.Context(), a.BuildID); err != nil || b.State != pipeline.Queued || b.RerunOf != 0 {
			t.Errorf("got %+v, %v", b, err)
		}
	})
}

func TestARedeliveryAtTwoServersMakesOneBuild(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		servers := []*Store{open(), open()}
		first := accept(t, servers[0], push(1))
		endAs(t, servers[0], first, pipeline.Errored)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				if _, err := servers[i%2].AcceptPush(t.Context(), push(1)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		builds, err := servers[0].Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true}})
		if err != nil || len(builds) != 2 {
			t.Errorf("got %d builds, %v; want 2", len(builds), err)
		}
	})
}

// TestAKnownGUIDOfAnotherCommitBuildsNothingAgain: what is built again is what was delivered.
func TestAKnownGUIDOfAnotherCommitBuildsNothingAgain(t *testing.T) {
	s := sqliteStore(t)
	first := accept(t, s, push(1))
	endAs(t, s, first, pipeline.Errored)
	other := push(2)
	other.GUID = push(1).GUID
	if a, err := s.AcceptPush(t.Context(), other); err != nil || a != (Accepted{BuildID: first, Duplicate: true}) {
		t.Errorf("got %+v, %v; want a duplicate of build %d", a, err, first)
	}
}

func TestARedeliveryOverAQuotaLeavesTheBuildAsItIs(t *testing.T) {
	s := sqliteStore(t)
	entry := letIn(t, s, registry.Repository, "octo/hello", registry.Limits{Queue: 1})
	first := accept(t, s, via(push(1), entry))
	endAs(t, s, first, pipeline.Errored)
	accept(t, s, via(push(2), entry))
	a, err := s.AcceptPush(t.Context(), via(push(1), entry))
	if err != nil || !a.Duplicate || a.BuildID != first || a.OverQuota == "" {
		t.Errorf("got %+v, %v; want build %d and why it is not built again", a, err, first)
	}
}

// TestTheSameGUIDCountsForEachRepository: who signs one repository's deliveries chooses their
// GUIDs.
func TestTheSameGUIDCountsForEachRepository(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		one, other := pushOf(1, "octo/hello", "main"), pushOf(2, "octo/other", "main")
		other.GUID, other.BodyHash = one.GUID, one.BodyHash
		first, second := accept(t, s, one), accept(t, s, other)
		if first == second {
			t.Errorf("both are build %d", first)
		}
		again := pushOf(3, "Octo/Hello", "main") // an organization's hook and the repository's own
		again.GUID = one.GUID
		if a, err := s.AcceptPush(t.Context(), again); err != nil || !a.Duplicate || a.BuildID != first {
			t.Errorf("control: got %+v, %v; want a duplicate of build %d", a, err, first)
		}
	})
}

func TestABranchWithoutCommitsIsBuiltWhereItsCommitWasNot(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		bare := pushOf(1, "octo/hello", "release")
		bare.Bare = true
		built, err := s.AcceptPush(t.Context(), bare)
		if err != nil || built.Skipped || built.Duplicate {
			t.Fatalf("got %+v, %v; want a build", built, err)
		}
		same, elsewhere := pushOf(2, "octo/hello", "copy"), pushOf(3, "octo/other", "release")
		same.Bare, elsewhere.Bare = true, true
		same.SHA, elsewhere.SHA = bare.SHA, bare.SHA
		if a, err := s.AcceptPush(t.Context(), same); err != nil || !a.Skipped || a.BuildID != built.BuildID {
			t.Errorf("of a commit that was built: got %+v, %v; want it skipped for build %d", a, err, built.BuildID)
		}
		if a, err := s.AcceptPush(t.Context(), elsewhere); err != nil || a.Skipped {
			t.Errorf("of another repository's commit: got %+v, %v; want a build", a, err)
		}
	})
}

// TestADeliveryThatBuildsNothingHidesEarlierBuilds: a ping, a deleted branch, or the word that it
// was made private.
func TestADeliveryThatBuildsNothingHidesEarlierBuilds(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		entry := letIn(t, s, registry.Repository, "octo/first", registry.Limits{})
		former := accept(t, s, via(pushOf(1, "octo/first", "main"), entry))
		must(t, s.Entries.Rename(t.Context(), entry.ID, "octo/second"))
		now := accept(t, s, via(pushOf(2, "octo/second", "main"), entry))
		others := accept(t, s, pushOf(3, "octo/other", "main"))
		visible := func(id int64) bool {
			_, err := s.Builds.Visible(t.Context(), id, builds.Sight{Public: true})
			if err != nil && !errors.Is(err, database.ErrNotFound) {
				t.Error(err)
			}
			return err == nil
		}
		must(t, s.Entries.Heard(t.Context(), entry, pipeline.Repository{FullName: "octo/second"}))
		if !visible(former) || !visible(now) {
			t.Fatal("control: they are hidden after a delivery that does not say so")
		}
		must(t, s.Entries.Heard(t.Context(), entry, pipeline.Repository{FullName: "Octo/Second", Private: true}))
		if visible(former) || visible(now) || !visible(others) {
			t.Errorf("seen: former %v, now %v, another's %v; want the last alone", visible(former), visible(now),
				visible(others))
		}
		bare := via(pushOf(4, "octo/other", "copy"), registry.Entry{})
		bare.SHA, bare.Bare, bare.Repo.Private = pushOf(3, "octo/other", "main").SHA, true, true
		if a, err := s.AcceptPush(t.Context(), bare); err != nil || !a.Skipped || visible(others) {
			t.Errorf("a skipped push that says private: %+v, %v; seen %v", a, err, visible(others))
		}
	})
}

func TestDeliveriesOfAnEarlierSchemaAreKnownStill(t *testing.T) {
	o := Options{DataDir: t.TempDir(), Log: testLog(t)}
	early := o
	early.Before = "0015"
	s, err := Open(t.Context(), early)
	must(t, err)
	const old = 1
	must(t, s.Database.Transact(t.Context(), func(tx *database.Tx) error {
		err := tx.Exec(`INSERT INTO builds (repo_id, repo, default_branch, private, ref, sha, author, message,
				"trigger", rerun_of, attempt, losses, state,
				cause, summary, image, queued_at, started_at, ended_at, not_before, job_id, owner, lease_until,
				cancel_requested, log_seq, compacted)
			VALUES (7, 'Octo/Hello', 'main', FALSE, 'refs/heads/main', ?, '', '',
				'push', 0, 1, 0, 'passed',
				'', '', '', 5, 5, 5, 0, 0, '', 0,
				FALSE, 0, TRUE)`,
			push(1).SHA).Error
		if err != nil {
			return err
		}
		return tx.Exec(`INSERT INTO deliveries (guid, body_hash, build_id, received_at) VALUES (?, ?, ?, 1)`,
			push(1).GUID, push(1).BodyHash, old).Error
	}))
	must(t, s.Close())
	s = openStore(t, o)
	if a, err := s.AcceptPush(t.Context(), push(1)); err != nil || a != (Accepted{BuildID: old, Duplicate: true}) {
		t.Errorf("got %+v, %v; want a duplicate of build %d", a, err, old)
	}
	if v, err := s.Builds.Verdicts(t.Context(), builds.VerdictQuery{Sight: builds.Sight{All: true}}); err != nil ||
		len(v) != 1 || v[0].Push.ID != old {
		t.Errorf("verdicts %+v, %v", v, err)
	}
}
