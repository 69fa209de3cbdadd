package pulls

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/entries"
	"vivarium/server/store/queue"
	"vivarium/server/verdict"
)

// Pull is what a delivery says of a pull request's head.
type Pull struct {
	GUID     string // X-GitHub-Delivery
	BodyHash string // hex SHA-256 of the raw body
	Via      registry.Entry
	Repo     pipeline.Repository // the base
	Number   int64
	SHA      string
	At       time.Time // when the pull request was last changed, as GitHub says; zero when it does not
	Author   string
	Title    string
	Fork     bool // the head is not in the base: its code is a stranger's
	Approved bool // of a fork: nobody needs to approve it
}

// acceptTries is how often a transaction is tried that other servers get in the way of.
const acceptTries = 3

// Accept writes delivery, build, job and pending status in one transaction, unless the commit has
// a build already: a push and a pull request of one commit are one build, which gets both names.
func (s *Pulls) Accept(ctx context.Context, p Pull) (queue.Accepted, error) {
	if p.GUID == "" || p.BodyHash == "" {
		return queue.Accepted{}, errors.New("accept a pull request: a delivery has a GUID and a hash of its body")
	}
	var w work
	passing := func(err error) bool { return database.IsDuplicate(err) || database.IsDeadlock(err) }
	err := database.TryAgain(acceptTries, passing, func() error {
		return s.db.Transact(ctx, func(tx *database.Tx) error {
			w = work{Pulls: s, Pull: p, tx: tx, key: strings.ToLower(p.Repo.FullName)}
			return w.accept(ctx)
		})
	})
	if err != nil {
		return queue.Accepted{}, fmt.Errorf("accept %s of %s: %w", Ref(p.Number).Short(), p.Repo.FullName, err)
	}
	s.desk.Ended(ctx, w.ended...)
	if w.made {
		s.log.InfoContext(ctx, "build of a pull request", "build", w.done.BuildID, "repo", p.Repo.FullName, "sha", p.SHA,
			"pull", p.Number, "fork", p.Fork, "unapproved", w.done.Unapproved, "why", w.done.OverQuota)
		s.desk.Wake(w.done.BuildID)
	}
	return w.done, nil
}

// work is that on one delivery, in its transaction.
type work struct {
	*Pulls
	Pull
	tx  *database.Tx
	key string // of the repository

	done  queue.Accepted
	made  bool // done.BuildID is new
	ended []builds.Row
}

func (w *work) accept(ctx context.Context) error {
	entry, err := entries.See(w.tx, w.Via, w.Repo.FullName) // first of all, as a push does
	if err != nil {
		return err
	}
	hide := func(context.Context) (bool, error) { return false, w.hide(entry) }
	for _, known := range []func(context.Context) (bool, error){w.overtaken, w.seen, hide, w.supersede, w.share} {
		if over, err := known(ctx); err != nil || over {
			return err
		}
	}
	b := builds.Row{
		EntryID: entry, RepoID: w.Repo.ID, Repo: w.Repo.FullName, DefaultBranch: w.Repo.DefaultBranch,
		Private: w.Repo.Private, Ref: Ref(w.Number), SHA: w.SHA, PushedAt: w.at(), Author: w.Author, Message: w.Title,
		Trigger: pipeline.TriggerPull, Pull: w.Number, Fork: w.Fork, Approved: w.Fork && w.Approved,
	}
	return w.add(ctx, b)
}

// hide hides the repository's earlier builds where the delivery says that it is private. What one that
// comes late or again said may not hold any more.
func (w *work) hide(entry int64) error {
	if !w.Repo.Private {
		return nil
	}
	return builds.Hide(w.tx, w.key, entry)
}

// at orders the deliveries of one pull request.
func (w *work) at() int64 { return database.Micros(verdict.PushTime(w.At, w.db.Now())) }

// add makes a build, and notes that the delivery has made it.
func (w *work) add(ctx context.Context, b builds.Row) error {
	why, err := w.over(b)
	if err != nil {
		return err
	}
	if err := w.desk.Add(ctx, w.tx, w.delivery(), &b, why); err != nil {
		return err
	}
	w.made = true
	w.done = queue.Accepted{BuildID: b.ID, OverQuota: why, Unapproved: b.State == pipeline.Unapproved}
	return nil
}

// delivery is what the queue needs of the delivery.
func (w *work) delivery() queue.Push {
	return queue.Push{GUID: w.GUID, BodyHash: w.BodyHash, Repo: w.Repo, Ref: Ref(w.Number), SHA: w.SHA}
}

// MostUnapproved is how many builds of one repository wait for an approval: anybody can make them.
const MostUnapproved = 100

// over is why a build is not made; empty while it may be. One that waits for an approval takes no
// place among those that wait for their turn: else strangers could fill up the queue.
func (w *work) over(b builds.Row) (string, error) {
	if b.MayRun() {
		return w.desk.Over(w.tx, b)
	}
	var waiting int64
	err := w.tx.Model(&builds.Row{}).Where("lower(repo) = ? AND state = 'unapproved'", w.key).Count(&waiting).Error
	if err != nil || waiting < MostUnapproved {
		return "", err
	}
	return fmt.Sprintf("%d commits of forks wait for an approval already; push again when fewer do", waiting), nil
}

// overtaken reports that a later state of the pull request came before this delivery.
func (w *work) overtaken(context.Context) (bool, error) {
	later, err := Later(w.tx, w.key, w.Number, w.at(), w.SHA)
	if err != nil || later == 0 {
		return false, err
	}
	w.done = queue.Accepted{BuildID: later, Overtaken: true}
	return true, nil
}

// Later is the newest build of another head of a pull request, of those that it had after a time in
// microseconds; 0: there is none. key is the repository's name in lower case.
func Later(tx *database.Tx, key string, number, after int64, sha string) (build int64, err error) {
	var found []int64
	err = tx.Model(&builds.Row{}).Where("lower(repo) = ? AND ref = ? AND pushed_at > ? AND "+builds.Pulls, key,
		Ref(number), after).Where("sha <> ?", sha).Order("id DESC").Limit(1).Pluck("id", &found).Error
	return slices.Max(append(found, 0)), err
}

// seen reports that the delivery is known. Where its build has come to nothing, it is made again, and
// has to be approved again where it was not approved.
func (w *work) seen(ctx context.Context) (bool, error) {
	a, known, err := w.desk.Again(ctx, w.tx, w.delivery())
	if err != nil || !known {
		return false, err
	}
	var b builds.Row
	if err := w.tx.Take(&b, a.BuildID).Error; err != nil {
		return false, err
	}
	w.done, w.made = a, a.Again != 0
	w.done.Unapproved = b.State == pipeline.Unapproved
	return true, nil
}

// supersede ends what waits for an approval of an earlier commit of the pull request. It never is the
// last word on the delivery.
func (w *work) supersede(ctx context.Context) (over bool, err error) {
	var waiting []builds.Row
	err = unapproved(w.tx.DB, w.key, w.Number).Find(&waiting).Error
	for _, b := range waiting {
		if err != nil {
			return false, err
		}
		if b.SHA == w.SHA && !w.Approved {
			continue
		}
		err = w.desk.End(ctx, w.tx, &b, "a later commit was pushed to "+Ref(w.Number).Short())
		if errors.Is(err, builds.ErrLost) { // it was approved meanwhile, and has begun
			err = nil
			continue
		}
		w.ended = append(w.ended, b)
	}
	return false, err
}

// share gives the build that the commit has the pull request's name, too. One that was left out for its
// branch's sake is none.
func (w *work) share(ctx context.Context) (bool, error) {
	var own, strangers []builds.Row
	for fork, rows := range map[bool]*[]builds.Row{false: &own, true: &strangers} {
		err := w.tx.Where("sha = ? AND lower(repo) = ? AND fork = ?", w.SHA, w.key, fork).
			Where("cause <> ?", pipeline.CauseFiltered).Order("id").Find(rows).Error
		if err != nil {
			return false, err
		}
	}
	if len(own) > 0 {
		last := standing(own)
		if !w.Fork && verdict.CameToNothing(last.Build()) {
			b := last.Again()
			b.Pull = w.Number
			return true, w.add(ctx, b)
		}
		w.done = queue.Accepted{BuildID: last.ID, Shared: true}
		if w.Fork && last.Pull != 0 { // a stranger takes no name away
			return true, nil
		}
		return true, w.tx.Model(&builds.Row{}).Where("id = ?", last.ID).Update("pull", w.Number).Error
	}
	// A commit that the base has pushed is its own. One that only a fork has is a stranger's, also
	// where it is another pull request's.
	if !w.Fork || len(strangers) == 0 || verdict.CameToNothing(standing(strangers).Build()) {
		return false, nil
	}
	last := standing(strangers)
	w.done = queue.Accepted{BuildID: last.ID, Shared: true, Unapproved: last.State == pipeline.Unapproved}
	return true, nil
}

// standing is the row of the build that tells how a commit stands.
func standing(rows []builds.Row) builds.Row {
	last := verdict.Standing(builds.Of(rows))
	return rows[slices.IndexFunc(rows, func(r builds.Row) bool { return r.ID == last.ID })]
}

// Adopt makes the build of a pull request the build of a push of the same commit, which came later.
// It gives the build, or nil where there is none.
func Adopt(tx *database.Tx, p queue.Push) (*builds.Row, error) {
	var rows []builds.Row
	err := builds.OfCommit(tx, p.Repo.FullName, p.SHA).
		Where(builds.Pulls).Order("id DESC").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 || verdict.CameToNothing(rows[0].Build()) {
		return nil, err
	}
	b := rows[0]
	again := builds.OfCommit(tx, p.Repo.FullName, p.SHA).Where("ref = ?", b.Ref)
	if err := again.Update("ref", p.Ref).Error; err != nil { // with what repeats it
		return nil, err
	}
	err = tx.Model(&builds.Row{}).Where("id = ?", b.ID).Updates(map[string]any{
		"trigger": pipeline.TriggerPush, "before_sha": p.Before,
		"pushed_at": database.Micros(verdict.PushTime(p.At, tx.Now())), "message": p.Message, "author": p.Author,
		"default_branch": p.Repo.DefaultBranch,
	}).Error
	return &b, errors.Join(err, tx.Take(&b).Error)
}
