package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/trouble"
	"vivarium/server/store/entries"
	"vivarium/server/store/queue/intake"
	"vivarium/server/store/queue/overtake"
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
	Bare     bool           // the branch has no commits of its own: it is not built where its commit was
	Unwanted string         // why it is not to be built, for people; empty: it is to be
	Because  pipeline.Cause // the same; CauseUnchanged holds only where the commit that the branch was at passed
}

// Accepted is what became of a Push.
type Accepted struct {
	BuildID int64
	// Duplicate: the GUID or the body had been seen. BuildID is that delivery's build, or the
	// newest that repeats it.
	Duplicate bool
	Again     int64  // it had been seen, and this build of it had come to nothing: BuildID repeats it
	Skipped   bool   // it was bare or unwanted, and BuildID is the build of its commit
	Unwanted  string // why it is not built, for people: its build has ended, where it was not Skipped
	// Shared: BuildID is the build that the commit has already, by a push and by a pull request.
	Shared     bool
	Overtaken  bool // BuildID is of a later state of the pull request
	Unapproved bool // BuildID waits for an approval
	// OverQuota is why the build was not queued, for people; empty when it was. It stands on the
	// build.
	OverQuota  string
	Superseded bool // a newer push of the branch had come before: the build has ended

	turn turnRow // of the build's repository
	over *overtake.Over
}

// AcceptPush writes delivery, build, job and pending status in one transaction, which deliveries
// that come at the same time share.
func (q *Queue) AcceptPush(ctx context.Context, p Push) (Accepted, error) {
	if p.GUID == "" || p.BodyHash == "" {
		return Accepted{}, errors.New("accept push: a delivery has a GUID and a hash of its body")
	}
	place := q.intake.Join(p)
	if batch := place.Batch(); batch != nil {
		q.enqueueAll(ctx, batch)
	}
	a, err := place.Result()
	if err != nil {
		return Accepted{}, fmt.Errorf("accept push of %s to %s: %w", p.SHA, p.Repo.FullName, err)
	}
	q.tellOver(ctx, a.over)
	switch {
	case a.Duplicate, a.Skipped, a.Shared, a.Superseded, a.Unwanted != "":
	case a.OverQuota != "":
		q.log.InfoContext(ctx, "build refused", "build", a.BuildID, "repo", p.Repo.FullName, "sha", p.SHA,
			"why", a.OverQuota)
	default:
		q.log.InfoContext(ctx, "build queued", "build", a.BuildID, "repo", p.Repo.FullName, "sha", p.SHA)
		q.logs.Wake(a.BuildID)
	}
	return a, nil
}

// acceptTries is how often a transaction is tried that other servers get in the way of.
const acceptTries = 3

// acceptTime bounds the work on one batch.
const acceptTime = 30 * time.Second

// enqueueAll works on a batch, in one transaction if it can. Where that fails, each push gets one
// of its own, so that a push which fails fails no other.
//
// It heeds acceptTime and not ctx: a delivery that was read is not dropped because its sender has
// hung up, and others wait for the batch.
func (q *Queue) enqueueAll(ctx context.Context, batch *intake.Batch[Push, Accepted]) {
	defer batch.End()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), acceptTime)
	defer cancel()
	// Another server accepted one of them between our look and our insert, or each waited for the
	// other: a push that makes a repository private takes builds as well as turns, and whoever
	// signs deliveries chooses their GUIDs.
	passing := func(err error) bool { return database.IsDuplicate(err) || database.IsDeadlock(err) }
	try := func(pushes []Push) (all []Accepted, err error) {
		defer rescue(&err)
		err = database.TryAgain(acceptTries, passing, func() (err error) {
			all, err = q.enqueueTogether(ctx, pushes)
			return err
		})
		return all, err
	}
	all, err := try(batch.Pushes)
	alone := len(batch.Pushes) > 1 && mayBeOneOfThem(ctx, err)
	for i := range batch.Pushes {
		switch {
		case err == nil:
			batch.Answer(i, all[i], nil)
		case !alone:
			batch.Answer(i, Accepted{}, err)
		default:
			own, err := try(batch.Pushes[i : i+1])
			batch.Answer(i, first(own, err), err)
		}
	}
}

func first(all []Accepted, err error) (a Accepted) {
	if err == nil {
		a = all[0]
	}
	return a
}

// rescue makes a panic an error with its stack, for the log.
func rescue(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: panic: %v\n%s", intake.ErrUnanswered, p, debug.Stack())
	}
}

// mayBeOneOfThem reports whether a batch may have failed for one of its pushes alone. Trouble of
// the database's own fails each of them, and a batch whose time is up has none left.
func mayBeOneOfThem(ctx context.Context, err error) bool {
	_, ofDatabase := errors.AsType[*trouble.Error](err)
	return err != nil && !ofDatabase && ctx.Err() == nil
}

// enqueueTogether enqueues pushes in one transaction. It takes the repositories in one order, so
// that two servers do not wait for each other, and the pushes of each repository as they came.
func (q *Queue) enqueueTogether(ctx context.Context, pushes []Push) ([]Accepted, error) {
	all := make([]Accepted, len(pushes))
	order := byRepository(pushes)
	err := q.db.Transact(ctx, func(tx *database.Tx) error {
		var jobs []river.InsertManyParams
		for _, i := range order {
			a, its, err := q.enqueue(tx, pushes[i])
			if err != nil {
				return err
			}
			all[i] = a
			jobs = append(jobs, its...)
		}
		if err := q.line(tx, turnsOf(all)...); err != nil {
			return err
		}
		for _, i := range order { // after the turns, as a claim takes rows
			if err := hideEarlier(tx, pushes[i], all[i]); err != nil {
				return err
			}
		}
		return tx.Jobs.Insert(ctx, jobs...)
	})
	return all, err
}

// byRepository gives the places of pushes in the order of their repositories.
func byRepository(pushes []Push) []int {
	order := make([]int, len(pushes))
	for i := range order {
		order[i] = i
	}
	key := func(i int) string { return strings.ToLower(pushes[i].Repo.FullName) }
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(key(a), key(b)) })
	return order
}

// turnsOf are the turns of the builds that were queued, as their pushes came.
func turnsOf(all []Accepted) []turnRow {
	var queued []turnRow
	for _, a := range all {
		if !a.Duplicate && !a.Skipped && !a.Shared && a.OverQuota == "" && a.Unwanted == "" {
			queued = append(queued, a.turn)
		}
	}
	inOrder(queued)
	return queued
}

// hideEarlier hides a repository's earlier builds where its push says that it is private. What a
// delivery that comes again said may not hold any more.
func hideEarlier(tx *database.Tx, p Push, a Accepted) error {
	if !p.Repo.Private || a.Duplicate || a.Again != 0 {
		return nil
	}
	return builds.Hide(tx, a.turn.RepoKey, a.turn.EntryID)
}

// enqueue makes a push's build, unless the push is known. The caller inserts the jobs that it
// returns, in the same transaction.
func (q *Queue) enqueue(tx *database.Tx, p Push) (Accepted, []river.InsertManyParams, error) {
	// First of all, since its row is held against other pushes of the repository.
	entry, err := entries.See(tx, p.Via, p.Repo.FullName)
	if err != nil {
		return Accepted{}, nil, err
	}
	seen, err := seenBefore(tx, p)
	if err != nil {
		return Accepted{}, nil, err
	}
	if len(seen) > 0 {
		if a, jobs, known, err := q.enqueueAgain(tx, p, seen[0]); err != nil || known {
			return a, jobs, err
		}
	}
	if told, err := q.toldLate(tx, p); err != nil || told != 0 {
		return Accepted{BuildID: told, Duplicate: true}, nil, err
	}
	key := strings.ToLower(p.Repo.FullName)
	if p, err = weigh(tx, p); err != nil {
		return Accepted{}, nil, err
	}
	if p.Bare || p.Unwanted != "" {
		if built, err := builtBefore(tx, p); err != nil || built != 0 {
			return Accepted{BuildID: built, Skipped: true, Unwanted: p.Unwanted,
				turn: turnRow{RepoKey: key, EntryID: entry}}, nil, err
		}
	}
	if a, err := q.adopted(tx, p, turnRow{RepoKey: key, EntryID: entry}); err != nil || a.Shared {
		return a, nil, err
	}
	b := q.rowOf(p, entry)
	a := Accepted{Unwanted: p.Unwanted}
	ended := skipped(p)
	if p.Unwanted == "" {
		if a.OverQuota, err = q.overQuota(tx, turnOf(b), false); err != nil {
			return Accepted{}, nil, err
		}
		ended = canceledOver(a.OverQuota)
	}
	jobs, err := q.addBuild(tx, &b, ended)
	if err != nil {
		return Accepted{}, nil, err
	}
	if a.over, err = q.overtaker.Push(tx, b); err != nil {
		return Accepted{}, nil, err
	}
	a.BuildID, a.Superseded, a.turn = b.ID, a.over.Has(b.ID), turnOf(b)
	return a, jobs, q.noteDelivery(tx, p, b.ID)
}

// adopted answers a push whose commit is built as a pull request's head; not Shared: it is not.
func (q *Queue) adopted(tx *database.Tx, p Push, turn turnRow) (a Accepted, err error) {
	b, err := q.adopt(tx, p)
	if err != nil || b == nil {
		return Accepted{}, err
	}
	over, err := q.overtaker.Push(tx, *b)
	return Accepted{BuildID: b.ID, Shared: true, over: over, turn: turn}, errors.Join(err, q.noteDelivery(tx, p, b.ID))
}

// rowOf is the build of a push.
func (q *Queue) rowOf(p Push, entry int64) builds.Row {
	return builds.Row{
		EntryID:       entry,
		RepoID:        p.Repo.ID,
		Repo:          p.Repo.FullName,
		DefaultBranch: p.Repo.DefaultBranch,
		Private:       p.Repo.Private,
		Ref:           p.Ref,
		SHA:           p.SHA,
		BeforeSHA:     p.Before,
		PushedAt:      database.Micros(verdict.PushTime(p.At, q.db.Now())),
		Author:        p.Author,
		Message:       p.Message,
		Trigger:       pipeline.TriggerPush,
	}
}

// seenBefore is the delivery, if it was accepted before.
func seenBefore(tx *database.Tx, p Push) (seen []deliveryRow, err error) {
	err = tx.Where("repo_key = ? AND (guid = ? OR body_hash = ?)",
		strings.ToLower(p.Repo.FullName), p.GUID, p.BodyHash).Limit(1).Find(&seen).Error
	return seen, err
}

// noteDelivery notes which build a delivery has.
func (q *Queue) noteDelivery(tx *database.Tx, p Push, build int64) error {
	d := deliveryRow{
		RepoKey: strings.ToLower(p.Repo.FullName), GUID: p.GUID, BodyHash: p.BodyHash, BuildID: build,
		ReceivedAt: database.Micros(q.db.Now()),
	}
	return tx.Create(&d).Error
}

// approvalMissing is what a build says that waits for an approval.
const approvalMissing = "the code of a fork, not built yet: approve it by the comment /vivarium run, or by " +
	"`vivarium builds approve`"

// addBuild makes a build and its pending status. One with an outcome that has a cause has ended at
// once. The caller inserts the jobs that it returns, in the same transaction.
func (q *Queue) addBuild(tx *database.Tx, b *builds.Row, o pipeline.Outcome) ([]river.InsertManyParams, error) {
	b.State = pipeline.Queued
	if !b.MayRun() {
		b.State, b.Summary = pipeline.Unapproved, approvalMissing
	}
	b.QueuedAt = database.Micros(q.db.Now())
	if o.Cause != "" {
		b.State, b.Cause, b.Summary, b.EndedAt = o.State, o.Cause, o.Summary, b.QueuedAt
		b.Compacted = true // there is no log
	}
	if err := tx.Create(b).Error; err != nil {
		return nil, err
	}
	status, err := q.addStatus(tx, *b)
	if b.State != pipeline.Queued { // nobody works on it, or not yet
		return []river.InsertManyParams{status}, err
	}
	return []river.InsertManyParams{ticket(0), status}, err
}

// deliveryRow is a delivery that was accepted. A GUID counts for its repository alone: an
// organization's hook and a repository's give one event the same GUID, and the holder of a secret
// can choose any.
type deliveryRow struct {
	RepoKey    string `gorm:"primaryKey"`
	GUID       string `gorm:"primaryKey;column:guid"`
	BodyHash   string
	BuildID    int64
	ReceivedAt int64
}

func (deliveryRow) TableName() string { return "deliveries" }
