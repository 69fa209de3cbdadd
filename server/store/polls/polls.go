// Package polls has pushes built that a look at the git host has found and no delivery told of, each
// of them once, whichever comes first.
package polls

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"vivarium/pipeline"
	"vivarium/server/heads"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/entries"
	"vivarium/server/store/queue"
	"vivarium/server/store/watched"
	"vivarium/server/verdict"
)

// Poll is a branch that was found to have moved.
type Poll struct {
	Via     registry.Entry // what lets its repository in; the zero Entry for the shared secret
	Repo    pipeline.Repository
	Move    heads.Move
	Author  string
	Message string
	// Unwanted is why it is not to be built, for people; empty: it is to be.
	Unwanted string
	Because  pipeline.Cause // the same; empty where it is to be built
}

// Polls takes what looks have found.
type Polls struct {
	db    *database.DB
	queue *queue.Queue
	log   *slog.Logger
}

// New takes it into a database's queue.
func New(db *database.DB, q *queue.Queue, log *slog.Logger) *Polls { return &Polls{db, q, log} }

// Accept builds where a branch has moved to, unless a delivery has told of it, and notes the move in
// the same transaction. build is 0 where there was nothing to build, or another server noted the
// move.
func (p *Polls) Accept(ctx context.Context, found Poll) (build int64, err error) {
	a, err := p.queue.Enqueue(ctx, func(tx *database.Tx) (b *builds.Row, skip pipeline.Outcome, err error) {
		if found.Because != "" {
			skip = pipeline.Outcome{State: pipeline.Skipped, Cause: found.Because, Summary: found.Unwanted}
		}
		b, err = p.missed(tx, found)
		return b, skip, err
	})
	if err != nil {
		return 0, fmt.Errorf("accept %s of %s: %w", found.Move.SHA, found.Repo.FullName, err)
	}
	if a.BuildID != 0 {
		p.log.InfoContext(ctx, "build queued: the branch has moved, and no delivery told of it", "build", a.BuildID,
			"repo", found.Repo.FullName, "ref", found.Move.Ref, "sha", found.Move.SHA, "over quota", a.OverQuota,
			"skipped", found.Unwanted)
	}
	return a.BuildID, nil
}

// missed notes a move and gives its build; nil where there is none to make.
func (p *Polls) missed(tx *database.Tx, found Poll) (*builds.Row, error) {
	entry, err := entries.Hold(tx, found.Via, found.Repo.FullName) // first of all, as a push does
	if err != nil {
		return nil, err
	}
	if kept, err := watched.Keep(tx, found.Repo.FullName, found.Move); err != nil || !kept {
		return nil, err
	}
	b := &builds.Row{
		EntryID:       entry,
		RepoID:        found.Repo.ID,
		Repo:          found.Repo.FullName,
		DefaultBranch: found.Repo.DefaultBranch,
		Private:       found.Repo.Private,
		Ref:           found.Move.Ref,
		SHA:           found.Move.SHA,
		BeforeSHA:     found.Move.Before,
		PushedAt:      database.Micros(p.db.Now().Truncate(time.Second)),
		Author:        found.Author,
		Message:       found.Message,
		Trigger:       pipeline.TriggerPoll,
	}
	if told, err := isTold(tx, *b); err != nil || told {
		return nil, err
	}
	if found.Because != "" { // its green status would hide what the commit was built to
		var built int64
		if err := builds.OfCommit(tx, b.Repo, b.SHA).Limit(1).Count(&built).Error; err != nil || built > 0 {
			return nil, err
		}
	}
	return b, nil
}

// isTold reports whether what a branch is at is built: its last push was of this commit (of pushes
// of one second any may be the last), or it is new and has no commits of its own. A fork's build of it
// is none of the base's.
func isTold(tx *database.Tx, b builds.Row) (bool, error) {
	same := builds.OfCommit(tx, b.Repo, b.SHA)
	if b.BeforeSHA != "" {
		last := tx.Model(&builds.Row{}).Select("max(pushed_at)").
			Where("lower(repo) = ? AND ref = ? AND "+builds.Pushes, strings.ToLower(b.Repo), b.Ref)
		same = same.Where("ref = ? AND pushed_at >= (?) AND "+builds.Pushes, b.Ref, last)
	}
	var n int64
	err := same.Limit(1).Count(&n).Error
	return n > 0, err
}

// skew is how far the git host's clock may be ahead of this one where a delivery is compared with
// the look that came before it.
const skew = time.Minute

// ToldLate finds the build of a push that a look told of before its delivery came; 0: there is none.
// The delivery is noted as that build's, which learns what only a delivery says.
func ToldLate(tx *database.Tx, p queue.Push) (build int64, err error) {
	key, at := strings.ToLower(p.Repo.FullName), verdict.PushTime(p.At, tx.Now())
	var rows []builds.Row
	err = tx.Where(`lower(repo) = ? AND ref = ? AND sha = ? AND "trigger" = ? AND pushed_at >= ?`,
		key, p.Ref, p.SHA, pipeline.TriggerPoll, database.Micros(at.Add(-skew))).
		Where("NOT EXISTS (SELECT 1 FROM deliveries WHERE build_id = builds.id)").
		Order("id").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	err = tx.Exec("INSERT INTO deliveries (repo_key, guid, body_hash, build_id, received_at) VALUES (?, ?, ?, ?, ?)",
		key, p.GUID, p.BodyHash, rows[0].ID, database.Micros(tx.Now())).Error
	if err != nil {
		return 0, err
	}
	return rows[0].ID, tx.Model(&rows[0]).Updates(map[string]any{
		"pushed_at": database.Micros(at), "before_sha": p.Before, "author": p.Author, "message": p.Message,
	}).Error
}

// Looked notes what a look has shown of a repository, without a push. Where it is private, so are its
// earlier builds.
func (p *Polls) Looked(ctx context.Context, via registry.Entry, r pipeline.Repository) error {
	if !r.Private {
		return nil
	}
	err := database.TryAgain(tries, database.IsDeadlock, func() error {
		return p.db.Transact(ctx, func(tx *database.Tx) error {
			entry, err := entries.Hold(tx, via, r.FullName)
			if err != nil {
				return err
			}
			return builds.Hide(tx, strings.ToLower(r.FullName), entry)
		})
	})
	if err != nil {
		return fmt.Errorf("note that %s is private: %w", r.FullName, err)
	}
	return nil
}

// tries is how often a transaction is tried that other servers get in the way of.
const tries = 3
