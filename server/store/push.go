package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/entries"
	"vivarium/server/verdict"
)

// Push is what a webhook delivery asks for.
type Push struct {
	GUID     string         // X-GitHub-Delivery
	BodyHash string         // hex SHA-256 of the raw body
	Via      registry.Entry // what let it in; the zero Entry for the shared secret
	Repo     pipeline.Repository
	Ref      pipeline.Ref
	SHA      string
	Before   string    // the commit that the branch was at; empty for none
	At       time.Time // when it was made, as GitHub says; zero when it does not
	Author   string
	Message  string
	Bare     bool // the branch was made without commits of its own: not built where its commit was
}

// Accepted is what became of a Push.
type Accepted struct {
	BuildID   int64
	Duplicate bool  // the GUID or the body had been seen: BuildID is that delivery's build, or the newest that repeats it
	Again     int64 // it had been seen, and this build of it had come to nothing: BuildID repeats it
	Skipped   bool  // it was bare, and BuildID is the build of its commit
	// OverQuota is why the build was not queued, for people; empty when it was. It stands on the build.
	OverQuota string

	turn turnRow // of the build's repository
}

// AcceptPush writes delivery, build, job and pending status in one transaction, which deliveries that come at the same
// time share.
func (s *Store) AcceptPush(ctx context.Context, p Push) (Accepted, error) {
	if p.GUID == "" || p.BodyHash == "" {
		return Accepted{}, errors.New("accept push: a delivery has a GUID and a hash of its body")
	}
	a, err := s.intake.Accept(ctx, p, s.acceptAll)
	if err != nil {
		return Accepted{}, fmt.Errorf("accept push of %s to %s: %w", p.SHA, p.Repo.FullName, err)
	}
	switch {
	case a.Duplicate, a.Skipped:
	case a.OverQuota != "":
		s.log.InfoContext(ctx, "build refused", "build", a.BuildID, "repo", p.Repo.FullName, "sha", p.SHA, "why", a.OverQuota)
	default:
		s.log.InfoContext(ctx, "build queued", "build", a.BuildID, "repo", p.Repo.FullName, "sha", p.SHA)
		s.watch.wake(a.BuildID)
	}
	return a, nil
}

// acceptTries is how often some pushes are tried to be accepted where other servers come in between.
const acceptTries = 3

// acceptAll accepts some pushes in one transaction.
func (s *Store) acceptAll(ctx context.Context, pushes []Push) (all []Accepted, err error) {
	// Another server accepted one of them between our look and our insert, or each waited for the other: a push that makes
	// a repository private takes builds as well as turns, and whoever signs deliveries chooses their GUIDs.
	passing := func(err error) bool { return database.IsDuplicate(err) || database.IsDeadlock(err) }
	err = database.TryAgain(acceptTries, passing, func() (err error) {
		all, err = s.acceptOnce(ctx, pushes)
		return err
	})
	return all, err
}

// acceptOnce takes the repositories in one order, so that two servers do not wait for each other, and each one's pushes as
// they came.
func (s *Store) acceptOnce(ctx context.Context, pushes []Push) ([]Accepted, error) {
	all := make([]Accepted, len(pushes))
	order := make([]int, len(pushes))
	for i := range order {
		order[i] = i
	}
	key := func(i int) string { return strings.ToLower(pushes[i].Repo.FullName) }
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(key(a), key(b)) })
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		var jobs []river.InsertManyParams
		var queued []turnRow
		for _, i := range order {
			a, its, err := s.accept(tx, pushes[i])
			if err != nil {
				return err
			}
			all[i] = a
			jobs = append(jobs, its...)
		}
		for _, a := range all { // as they came
			if !a.Duplicate && !a.Skipped && a.OverQuota == "" {
				queued = append(queued, a.turn)
			}
		}
		inOrder(queued)
		if err := s.line(tx, queued...); err != nil {
			return err
		}
		for _, i := range order { // after the turns, as a claim takes rows
			if all[i].Duplicate || all[i].Again != 0 { // what was said then may not hold any more
				continue
			}
			if !pushes[i].Repo.Private {
				continue
			}
			if err := builds.Hide(tx, all[i].turn.RepoKey, all[i].turn.EntryID); err != nil {
				return err
			}
		}
		return tx.Jobs.Insert(ctx, jobs...)
	})
	return all, err
}

func (s *Store) accept(tx *database.Tx, p Push) (Accepted, []river.InsertManyParams, error) {
	entry, err := entries.See(tx, p.Via, p.Repo.FullName) // first: its row is held against other pushes of the repository
	if err != nil {
		return Accepted{}, nil, err
	}
	var seen []deliveryRow
	key := strings.ToLower(p.Repo.FullName)
	if err := tx.Where("repo_key = ? AND (guid = ? OR body_hash = ?)", key, p.GUID, p.BodyHash).Limit(1).Find(&seen).Error; err != nil {
		return Accepted{}, nil, err
	}
	if len(seen) > 0 {
		if a, jobs, known, err := s.acceptAgain(tx, p, seen[0]); err != nil || known {
			return a, jobs, err
		}
	}
	if p.Bare {
		if built, err := builtBefore(tx, key, p.SHA); err != nil || built != 0 {
			return Accepted{BuildID: built, Skipped: true, turn: turnRow{RepoKey: key, EntryID: entry}}, nil, err
		}
	}
	b := builds.Row{
		EntryID: entry, RepoID: p.Repo.ID, Repo: p.Repo.FullName, DefaultBranch: p.Repo.DefaultBranch, Private: p.Repo.Private,
		Ref: p.Ref, SHA: p.SHA, BeforeSHA: p.Before, PushedAt: database.Micros(verdict.PushTime(p.At, s.db.Now())),
		Author: p.Author, Message: p.Message, Trigger: pipeline.TriggerPush,
	}
	why, err := s.overQuota(tx, turnOf(b), false)
	if err != nil {
		return Accepted{}, nil, err
	}
	jobs, err := s.enqueue(tx, &b, why)
	if err != nil {
		return Accepted{}, nil, err
	}
	d := deliveryRow{RepoKey: key, GUID: p.GUID, BodyHash: p.BodyHash, BuildID: b.ID, ReceivedAt: b.QueuedAt}
	return Accepted{BuildID: b.ID, OverQuota: why, turn: turnOf(b)}, jobs, tx.Create(&d).Error
}

// enqueue makes the build and its pending status; one that is over its quota has ended at once. The jobs that it returns are
// to be inserted in the same transaction.
func (s *Store) enqueue(tx *database.Tx, b *builds.Row, over string) ([]river.InsertManyParams, error) {
	b.State = pipeline.Queued
	b.QueuedAt = database.Micros(s.db.Now())
	if over != "" {
		o := overQuota(over)
		b.State, b.Cause, b.Summary, b.EndedAt = o.State, o.Cause, o.Summary, b.QueuedAt
		b.Compacted = true // there is no log
	}
	if err := tx.Create(b).Error; err != nil {
		return nil, err
	}
	status, err := addStatus(tx, *b)
	if over != "" {
		return []river.InsertManyParams{status}, err
	}
	return []river.InsertManyParams{ticket(0), status}, err
}

// deliveryRow is a delivery that was taken. An organization's hook and a repository's give one event the same GUID, and whoever signs
// deliveries chooses theirs, so that a GUID counts for its repository alone.
type deliveryRow struct {
	RepoKey    string `gorm:"primaryKey"`
	GUID       string `gorm:"primaryKey;column:guid"`
	BodyHash   string
	BuildID    int64
	ReceivedAt int64
}

func (deliveryRow) TableName() string { return "deliveries" }
