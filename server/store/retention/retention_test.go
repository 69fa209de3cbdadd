package retention

import (
	"fmt"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/buildlog"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/outbox"
	"vivarium/server/store/people"
	"vivarium/server/store/polls"
	"vivarium/server/store/queue"
	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var (
	byTest     = people.Actor{Who: "a test"}
	must       = storetest.Must
	eventually = storetest.Eventually
)

const (
	name      = "octo/hello"
	pseudonym = "erased:0011223344556677"
)

// everyDatabase runs a test on each kind of database. open opens the same one each time.
func everyDatabase(t *testing.T, test func(t *testing.T, open func() *Retention)) {
	t.Helper()
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		test(t, func() *Retention { return retentionOf(t, open()) })
	})
}

func retentionOf(t *testing.T, db *database.DB) *Retention {
	t.Helper()
	logs := buildlog.New(db, storetest.Log(t))
	t.Cleanup(logs.Close)
	q := queue.New(db, queue.Options{Log: storetest.Log(t), AddStatus: outbox.Add, Logs: logs, ToldLate: polls.ToldLate})
	return New(db, storetest.Log(t), q)
}

// add adds a build, of repository name where it has none.
func add(t *testing.T, r *Retention, b builds.Row) int64 {
	t.Helper()
	if b.Repo == "" {
		b.Repo = name
	}
	must(t, r.db.Transact(t.Context(), func(tx *database.Tx) error { return tx.Create(&b).Error }))
	return b.ID
}

// live makes a build one that a living server works on.
func live(t *testing.T, r *Retention, build int64) {
	t.Helper()
	if r.db.Exclusive() {
		release, err := r.db.Lock()
		must(t, err)
		t.Cleanup(func() { must(t, release()) })
	}
	must(t, r.db.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Exec("UPDATE builds SET state = ?, owner = 'alive', attempt = 1, lease_until = ? WHERE id = ?",
			pipeline.Running, database.Micros(time.Now().Add(time.Hour)), build).Error
	}))
}

func count(t *testing.T, r *Retention, table, where string, args ...any) (n int64) {
	t.Helper()
	must(t, r.db.Read(t.Context()).Table(table).Where(where, args...).Count(&n).Error)
	return n
}

func purge(t *testing.T, r *Retention) Purged {
	t.Helper()
	p, err := r.Purge(t.Context(), byTest, "Octo/Hello", pseudonym)
	must(t, err)
	return p
}

func TestPurgeRemovesBuildsOfOneRepositoryWhateverItsLetters(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Retention) {
		r := open()
		for n, state := range []pipeline.State{pipeline.Queued, pipeline.Passed, pipeline.Failed} {
			id := add(t, r, builds.Row{State: state, RepoID: 7, Attempt: n})
			must(t, r.db.Transact(t.Context(), func(tx *database.Tx) error {
				return tx.Exec(`INSERT INTO log_chunks (build_id, seq, attempt, step, stream, at, data, omitted)
					VALUES (?, 1, 1, 'clone', 'stdout', 0, ?, 0)`, id, []byte("ten bytes.")).Error
			}))
		}
		add(t, r, builds.Row{Repo: "octo/hello-two", State: pipeline.Passed, RepoID: 7})
		p := purge(t, r)
		if p.Builds != 3 || p.LogBytes != 30 {
			t.Errorf("got %+v, want 3 builds and 30 bytes of their logs", p)
		}
		if got, want := fmt.Sprint(p.Others), "[octo/hello-two]"; got != want { // of GitHub's same id
			t.Errorf("other names are %s, want %s", got, want)
		}
		if left := count(t, r, "builds", "repo = ?", name); left != 0 {
			t.Errorf("%d builds of it are left", left)
		}
		if left := count(t, r, "builds", "repo = 'octo/hello-two'"); left != 1 {
			t.Errorf("of the other repository %d builds are left, want its one", left)
		}
		if lines := count(t, r, "audit", "what = 'purged' AND object = ?", pseudonym); lines != 1 {
			t.Errorf("%d lines of the audit say so, want one", lines)
		}
	})
}

func TestPurgeCancelsWhatRunsAndWaitsForIt(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Retention) {
		r := open()
		id := add(t, r, builds.Row{State: pipeline.Queued})
		live(t, r, id)
		done := make(chan error, 1)
		var p Purged
		go func() {
			var err error
			p, err = r.Purge(t.Context(), byTest, name, pseudonym)
			done <- err
		}()
		eventually(t, "the build is canceled", func() bool {
			return count(t, r, "builds", "id = ? AND cancel_requested", id) == 1
		})
		select {
		case err := <-done:
			t.Fatalf("the purge did not wait: %v", err)
		case <-time.After(3 * awaitEvery):
		}
		must(t, r.db.Transact(t.Context(), func(tx *database.Tx) error {
			return tx.Exec("UPDATE builds SET state = ? WHERE id = ?", pipeline.Canceled, id).Error
		}))
		must(t, <-done)
		if p.Builds != 1 || count(t, r, "builds", "id = ?", id) != 0 {
			t.Errorf("got %+v, want the build removed once it has ended", p)
		}
	})
}

func TestPurgeNeedsNoEndOfADeadServersBuild(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Retention) {
		r := open()
		id := add(t, r, builds.Row{State: pipeline.Running, Owner: "dead", Attempt: 1, LeaseUntil: 1})
		if p := purge(t, r); p.Builds != 1 || count(t, r, "builds", "id = ?", id) != 0 {
			t.Errorf("got %+v, want build %d removed", p, id)
		}
	})
}

// TestPurgeOutlivesADeadlock: the log's rows are locked as compaction locks them, before their build's.
func TestPurgeOutlivesADeadlock(t *testing.T) {
	r := retentionOf(t, databasetest.Open(t, database.Options{
		DatabaseURL: storetest.PostgresURL(t), DataDir: t.TempDir(),
	}))
	id := add(t, r, builds.Row{State: pipeline.Passed})
	must(t, r.db.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Exec(`INSERT INTO log_chunks (build_id, seq, attempt, step, stream, at, data, omitted)
			VALUES (?, 1, 1, 'clone', 'stdout', 0, 'x', 0)`, id).Error
	}))
	held, purged := make(chan bool), make(chan error)
	go func() {
		<-held
		_, err := r.Purge(t.Context(), byTest, name, pseudonym)
		purged <- err
	}()
	err := r.db.Transact(t.Context(), func(tx *database.Tx) error {
		if err := tx.Exec("DELETE FROM log_chunks WHERE build_id = ?", id).Error; err != nil {
			return err
		}
		close(held)
		eventually(t, "the purge waits for the log", func() bool {
			return count(t, r, "pg_stat_activity", "datname = current_database() AND wait_event_type = 'Lock'") > 0
		})
		// Which of the two is ended is PostgreSQL's choice: the one that waits for the longest.
		return tx.Exec("INSERT INTO log_blocks (build_id, first_seq, last_seq, data) VALUES (?, 1, 1, 'x')", id).Error
	})
	t.Logf("the compactor's transaction ended with %v", err)
	if err := <-purged; err != nil {
		t.Errorf("the purge ended with %v", err)
	}
	if left := count(t, r, "builds", "TRUE"); left != 0 {
		t.Errorf("%d builds of the repository are left", left)
	}
}
