package outbox

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/riverqueue/river"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var must = storetest.Must

// What is built in these tests.
const (
	main = pipeline.Ref("refs/heads/main")
	sha  = "0000000000000000000000000000000000000001"
)

// host is a git host that takes what is posted.
type host struct{ posts []pipeline.CommitStatus }

func (h *host) Post(_ context.Context, st pipeline.CommitStatus) error {
	h.posts = append(h.posts, st)
	return nil
}

func (h *host) states() (list []string) {
	for _, st := range h.posts {
		list = append(list, st.State)
	}
	return list
}

// senderTo makes a sender that posts to a host.
func senderTo(t *testing.T, db *database.DB, h *host) *Sender {
	return New(db).NewSender(Settings{Log: storetest.Log(t), Reporter: h, StatusContext: "vivarium"})
}

// build makes a queued build of a commit.
func build(t *testing.T, db *database.DB, sha string, ref pipeline.Ref) builds.Row {
	t.Helper()
	b := builds.Row{Repo: "octo/hello", SHA: sha, Ref: ref, State: pipeline.Queued}
	must(t, db.Transact(t.Context(), func(tx *database.Tx) error { return tx.Create(&b).Error }))
	return b
}

// tell adds the build's state to the outbox, with the job that sends it.
func tell(t *testing.T, db *database.DB, b builds.Row, state pipeline.State) {
	t.Helper()
	b.State = state
	must(t, db.Transact(t.Context(), func(tx *database.Tx) error {
		job, err := Add(tx, b)
		if err != nil {
			return err
		}
		return tx.Jobs.Insert(t.Context(), job)
	}))
}

// work works on the target's job, which may ask to be worked again later.
func work(t *testing.T, s *Sender, target int64) {
	t.Helper()
	err := (&worker{Sender: s}).Work(t.Context(), &river.Job[jobArgs]{Args: jobArgs{Target: target}})
	if _, later := errors.AsType[*river.JobSnoozeError](err); !later {
		must(t, err)
	}
}

// TestPostOfADeadServerIsRepeatedByTheNext: a server dies after it has claimed a commit, before or
// after its post was accepted. The next one posts the same state, then what is newer: that a state
// comes twice is harmless, that one is missing is not.
func TestPostOfADeadServerIsRepeatedByTheNext(t *testing.T) {
	for name, want := range map[string][]string{
		"died before the post": {"pending", "success"},
		"died after the post":  {"pending", "pending", "success"},
	} {
		t.Run(name, func(t *testing.T) {
			databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
				db, h := open(), &host{}
				b := build(t, db, sha, main)
				tell(t, db, b, pipeline.Queued)
				dead := senderTo(t, db, h)
				target, send, err := dead.claim(t.Context(), 1)
				if err != nil || send == nil {
					t.Fatalf("claim: %+v, %v", send, err)
				}
				if len(want) == 3 {
					if p, _ := dead.attempt(t.Context(), &target, send); p.Err != nil {
						t.Fatal(p.Err)
					}
				}
				next := senderTo(t, db, h)
				work(t, next, target.ID)
				if len(h.posts) != len(want)-2 {
					t.Fatalf("control: posted %v while the claim may be a living server's", h.states())
				}
				if !db.Exclusive() { // where others may live, a claim has to run out
					must(t, db.Read(t.Context()).Exec("UPDATE status_targets SET claimed_until = 1").Error)
				}
				must(t, next.Resume(t.Context(), true))
				work(t, next, target.ID)
				tell(t, db, b, pipeline.Passed)
				work(t, next, target.ID)
				if got := h.states(); !slices.Equal(got, want) {
					t.Errorf("posted %v, want %v", got, want)
				}
				list, err := New(db).Statuses(t.Context(), b.ID)
				must(t, err)
				if len(list) != 2 || list[0].SentAt.IsZero() || list[1].SentAt.IsZero() {
					t.Errorf("recorded as %+v, want both as sent", list)
				}
			})
		})
	}
}

// TestAPullRequestsStatusStandsBesideItsPushs: one commit is built for both. Each has its verdict,
// while of two builds of the push the newer one's counts.
func TestAPullRequestsStatusStandsBesideItsPushs(t *testing.T) {
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		db, h := open(), &host{}
		s := senderTo(t, db, h)
		older := build(t, db, sha, main)
		pushed := build(t, db, sha, main)
		asked := build(t, db, sha, "refs/pull/7/merge")
		tell(t, db, asked, pipeline.Failed)
		tell(t, db, pushed, pipeline.Passed)
		tell(t, db, older, pipeline.Failed)
		for target := range int64(2) {
			work(t, s, target+1)
		}
		got := map[string]string{}
		for _, st := range h.posts {
			got[st.Context] += st.State
		}
		want := map[string]string{"vivarium": "success", "vivarium (pull request)": "failure"}
		if !maps.Equal(got, want) {
			t.Errorf("posted %v, want %v", got, want)
		}
		for b, superseded := range map[int64]bool{older.ID: true, pushed.ID: false, asked.ID: false} {
			list, err := New(db).Statuses(t.Context(), b)
			must(t, err)
			if len(list) != 1 || list[0].Superseded != superseded || list[0].SentAt.IsZero() != superseded {
				t.Errorf("of build %d: %+v", b, list)
			}
		}
	})
}

// TestAReportOfAnUnknownKindIsNotPosted: a status would say something else.
func TestAReportOfAnUnknownKindIsNotPosted(t *testing.T) {
	db, h := databasetest.SQLite(t), &host{}
	s := senderTo(t, db, h)
	b := build(t, db, sha, main)
	tell(t, db, b, pipeline.Passed)
	set := func(values string) {
		must(t, db.Transact(t.Context(), func(tx *database.Tx) error {
			return errors.Join(tx.Exec("UPDATE statuses SET "+values).Error,
				tx.Exec("UPDATE status_targets SET not_before = 0").Error)
		}))
	}
	set("kind = 'oracle'")
	work(t, s, 1)
	if list, err := New(db).Statuses(t.Context(), b.ID); err != nil || len(h.posts) > 0 ||
		!strings.Contains(list[0].LastError, `"oracle"`) {
		t.Errorf("posted %v; it says %+v, %v", h.posts, list, err)
	}
	set("kind = 'status'")
	work(t, s, 1)
	if got := h.states(); !slices.Equal(got, []string{"success"}) {
		t.Errorf("control: posted %v", got)
	}
}
