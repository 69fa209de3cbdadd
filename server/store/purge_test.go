package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/environment"
	"vivarium/pipeline/results"
	"vivarium/server/heads"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
	"vivarium/server/store/queue"
	"vivarium/server/store/retention"
)

// canaries are words that stand where a repository's people put theirs: one of them is found wherever a search looks.
var canaries = map[string]string{
	"name": "canary-name-3f81", "author": "canary-author-90c2", "message": "canary-message-5be4", "log": "canary-log-d17a",
	"package": "canary-package-41c7", "plan": "canary-plan-8ae2",
	"branch": "canary-branch-66e0", "job": "canary-job-2d19", "refused": "canary-refusal-a9b3",
	"red test": "canary-red-4c55", "reason": "canary-reason-71f3",
	"test's path": "canary-path-b80d", "hung test": "canary-hung-e9a1",
}

var canaryName = "octo/" + canaries["name"]

const pseudonym = "erased:0011223344556677"

// canaryPush is a push of the repository that is to be purged.
func canaryPush(n int) queue.Push {
	p := push(n)
	p.Repo.FullName, p.Repo.ID = canaryName, 99
	p.Author, p.Message, p.Ref = canaries["author"], canaries["message"], pipeline.BranchRef(canaries["branch"])
	return p
}

// fill makes a database that holds the canaries in all of their places, and one more repository
// beside. Its server still serves.
func fill(t *testing.T, s *Store) {
	t.Helper()
	by := people.Actor{Who: "test"}
	if _, err := s.Entries.Add(t.Context(), by, registry.Pattern, "octo/*"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Entries.Rotate(t.Context(), by, canaryName, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.Entries.Refuse(t.Context(), canaryName); err != nil {
		t.Fatal(err)
	}
	if _, err := s.People.AddToken(t.Context(), by, canaryName); err != nil {
		t.Fatal(err)
	}
	must(t, s.Watched.Begin(t.Context(), canaryName, []heads.Head{{Ref: "refs/heads/old", SHA: push(9).SHA}}))
	must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Exec("INSERT INTO branch_colours VALUES (?, 'refs/heads/old', 'red')", canaryName).Error
	}))
	serve(t, s, Work{StatusContext: "ci", Reporter: refusing{}, Build: func(
		ctx context.Context, b pipeline.Build, rec pipeline.Recorder,
	) (pipeline.Outcome, error) {
		if b.Repo.FullName != canaryName {
			return pipeline.Outcome{State: pipeline.Failed, Summary: "another's"}, nil
		}
		if err := sayTests(ctx, rec); err != nil {
			return pipeline.Outcome{}, err
		}
		return pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseTests, Summary: canaries["message"] + " failed",
			Environment: environment.Environment{
				Image: environment.Image{ID: "sha256:1"}, Listed: true, Plan: canaries["plan"],
				Packages: []environment.Package{{Name: canaries["package"], Version: "1"}},
			}}, nil
	}})
	for n := range 3 {
		waitState(t, s, accept(t, s, canaryPush(n+1)), pipeline.Failed)
	}
	other := push(50)
	other.Repo.FullName, other.Author = canaryName+"-two", "someone else"
	waitState(t, s, accept(t, s, other), pipeline.Failed)
	eventually(t, "every status is given up", func() bool {
		var open int64
		if err := s.db.Read(t.Context()).Table("statuses").
			Where("sent_at = 0 AND failed_at = 0 AND NOT superseded").Count(&open).Error; err != nil {
			t.Fatal(err)
		}
		return open == 0
	})
}

// sayTests is a step with output and with results of tests.
func sayTests(ctx context.Context, rec pipeline.Recorder) error {
	started := pipeline.Step{Name: pipeline.StepTest, StartedAt: time.Now()}
	ended := pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepFailed, EndedAt: time.Now()}
	ended.Results = results.Summary{Counts: results.Counts{Passed: 1, Failed: 1}, Hung: canaries["hung test"]}
	return errors.Join(
		rec.StepStarted(ctx, started),
		rec.Output(ctx, pipeline.StepTest, pipeline.Stdout, []byte(strings.Repeat(canaries["log"]+"\n", 3))),
		rec.Tests(ctx, pipeline.StepTest, []results.Test{
			{ID: canaries["red test"], Outcome: results.Failed, Reason: canaries["reason"], Path: canaries["test's path"]},
			{ID: "tests.test_green", Outcome: results.Passed},
		}),
		rec.StepEnded(ctx, ended))
}

// refusing is a GitHub whose refusals name the repository.
type refusing struct{}

func (refusing) Post(_ context.Context, st pipeline.CommitStatus) error {
	if st.Repo != canaryName {
		return &pipeline.RefusedError{Code: 410, Message: "another's"}
	}
	return &pipeline.RefusedError{Code: 410, Message: canaries["refused"] + " in " + st.Repo}
}

// purge erases the canaries' repository by another process's view of the database.
func purge(t *testing.T, s *Store) retention.Purged {
	t.Helper()
	p, err := s.Retention.Purge(
		t.Context(), people.Actor{Who: "test"}, strings.ToUpper(canaryName[:4])+canaryName[4:], pseudonym,
	)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPurgeRemovesARepositoryAndNothingElse(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		served, s := open(), open()
		fill(t, served)
		before := readTables(t, s)
		for where, canary := range canaries {
			if !strings.Contains(before, canary) && where != "job" { // which is planted below
				t.Errorf("control: the %s %s is not found before the purge", where, canary)
			}
		}
		errs := "ARRAY[CAST(? AS jsonb)]"
		if s.db.Exclusive() {
			errs = "jsonb('[' || ? || ']')"
		}
		err := s.db.Transact(t.Context(), func(tx *database.Tx) error { // what River keeps of a job that failed
			return database.One(
				tx.Exec(
					"UPDATE river_job SET errors = "+errs+" WHERE kind = 'build'",
					`{"error": "about `+canaryName+` and `+canaries["job"]+`"}`,
				),
				database.ErrNotFound,
			)
		})
		if err != nil || !strings.Contains(readTables(t, s), canaries["job"]) {
			t.Fatalf("control: no job holds the name: %v", err)
		}

		p := purge(t, s)
		if p.Builds != 3 || p.Deliveries != 3 || p.Steps != 3 || p.LogBytes == 0 || p.Statuses < 3 || p.Jobs < 3 ||
			p.Refusals != 1 || p.Entries != 1 || p.Tokens != 1 {
			t.Errorf("got %+v", p)
		}
		if !p.Changed || p.AuditLines == 0 {
			t.Errorf("the changed secret or the audit was not told: %+v", p)
		}
		after := strings.ReplaceAll(readTables(t, s), canaryName+"-two", "(the other)")
		for where, canary := range canaries {
			if at := strings.Index(after, canary); at >= 0 {
				t.Errorf("the %s is still there: %.200q", where, after[max(at-100, 0):])
			}
		}
		builds, err := s.Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true}})
		if err != nil || len(builds) != 1 || builds[0].Repo.FullName != canaryName+"-two" {
			t.Errorf("of the other repository there is %+v, %v", builds, err)
		}
		changes, err := s.People.Audit(t.Context(), 10)
		if err != nil || changes[0].What != "purged" || changes[0].Of != pseudonym || changes[0].Who != "test" {
			t.Errorf("the audit says %+v, %v", changes, err)
		}
		if again := purge(t, s); again.Builds != 0 || again.Entries != 0 {
			t.Errorf("a second purge removed %+v", again)
		}
		// The server goes on: the pattern still lets the name in.
		waitState(t, served, accept(t, served, canaryPush(9)), pipeline.Failed)
	})
}

func TestPurgeCancelsWhatRunsAndDropsWhatWaits(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		served, s := open(), open()
		started := make(chan int64, 9)
		serve(t, served, Work{Workers: 1, Build: blocking(started)})
		running := accept(t, served, canaryPush(1))
		if id := <-started; id != running {
			t.Fatalf("build %d runs, want %d", id, running)
		}
		accept(t, served, canaryPush(2))
		p := purge(t, s)
		if p.Builds != 2 {
			t.Errorf("removed %d builds, want 2", p.Builds)
		}
		next := push(3)
		next.Repo.FullName = "octo/next"
		id := accept(t, served, next)
		if got := <-started; got != id {
			t.Errorf("then build %d ran, want %d", got, id)
		}
	})
}

// holding is a GitHub that answers when it is let.
type holding struct{ asked, answer chan bool }

func (h holding) Post(context.Context, pipeline.CommitStatus) error {
	h.asked <- true
	<-h.answer
	return nil
}

func TestPurgeDoesNotMindAStatusOnItsWay(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		served, s := open(), open()
		h := holding{make(chan bool, 9), make(chan bool)}
		answer := sync.OnceFunc(func() { close(h.answer) })
		stop := serve(t, served, Work{Build: passing, Reporter: h, StatusContext: "ci"})
		t.Cleanup(answer) // or a test that fails would wait for ever
		waitState(t, s, accept(t, served, canaryPush(1)), pipeline.Passed)
		<-h.asked
		purge(t, s)
		answer()
		next := push(2)
		next.Repo.FullName = "octo/next"
		id := accept(t, served, next)
		waitState(t, s, id, pipeline.Passed)
		eventually(t, "the next repository's status is sent", func() bool {
			last, err := s.Outbox.Last(t.Context())
			return err == nil && last["octo/next"].State == "success"
		})
		stop()
		if text := readTables(t, s); strings.Contains(text, canaries["name"]) || strings.Contains(text, canaries["author"]) {
			t.Errorf("what was under way left a trace")
		}
	})
}

// TestScrubLeavesNoByteInTheFiles looks into the files themselves, while a server has them open and after.
func TestScrubLeavesNoByteInTheFiles(t *testing.T) {
	o := Options{DataDir: t.TempDir(), Log: testLog(t)}
	early := o
	early.Before = "0003"
	old, err := Open(t.Context(), early)
	if err != nil {
		t.Fatal(err)
	}
	if err := old.db.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Exec(`INSERT INTO builds (repo_id, repo, default_branch, private, ref, sha, author, message,
				"trigger", rerun_of, attempt, losses, state,
				cause, summary, image, queued_at, started_at, ended_at, not_before,
				job_id, owner, lease_until, cancel_requested, log_seq, compacted)
			VALUES (1, ?, '', FALSE, '', '', ?, '', '', 0, 1, 0, 'passed', '', '', '', 1, 1, 1, 0, 0, '', 0, FALSE, 0, TRUE)`,
			canaryName, canaries["author"]).Error // as step 2 knows it
	}); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	served, s := openStore(t, o), openStore(t, o) // which copies the older one first
	fill(t, served)
	found := map[string][]string{}
	for where, canary := range canaries {
		if where == "job" {
			continue
		}
		found[where] = filesWith(t, o.DataDir, canary)
		if len(found[where]) == 0 {
			t.Errorf("control: the %s is in no file before the purge", where)
		}
	}
	t.Logf("before: %v", found)
	if !slices.ContainsFunc(found["name"], func(f string) bool { return strings.Contains(f, "backups") }) {
		t.Errorf("control: no copy of the database holds the name: %v", found["name"])
	}
	if !slices.ContainsFunc(found["log"], func(f string) bool {
		return strings.HasSuffix(f, "-wal") || strings.HasSuffix(f, "vivarium.db")
	}) {
		t.Errorf("control: neither the database nor its log holds the build's log: %v", found["log"])
	}
	purge(t, s)
	// The other repository's name begins with this one's.
	if _, err := s.Retention.Purge(
		t.Context(), people.Actor{Who: "test"}, canaryName+"-two", "erased:8899aabbccddeeff",
	); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	copies, err := s.Database.Scrub(t.Context())
	if err != nil || len(copies) != 1 {
		t.Fatalf("scrub: %v, %v", copies, err)
	}
	t.Logf("scrubbed in %s", time.Since(begin))
	for where, canary := range canaries {
		if files := filesWith(t, o.DataDir, canary); len(files) > 0 {
			t.Errorf("the %s still stands in %v", where, files)
		}
	}
}

// readTables is all text of all tables, unpacked.
func readTables(t *testing.T, s *Store) string {
	t.Helper()
	db := s.db.Read(t.Context())
	tables, err := db.Migrator().GetTables()
	if err != nil || len(tables) < 10 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	var all strings.Builder
	for _, table := range tables {
		if table == "sqlite_sequence" {
			continue
		}
		var rows []map[string]any
		if err := db.Table(table).Find(&rows).Error; err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for column, value := range row {
				if b, ok := value.([]byte); ok {
					value = string(b)
				}
				fmt.Fprintf(&all, "%s.%s=%v\n", table, column, value)
			}
		}
	}
	return all.String()
}

// filesWith are the files below dir that hold some bytes.
func filesWith(t *testing.T, dir, bytes string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text)+path, bytes) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
