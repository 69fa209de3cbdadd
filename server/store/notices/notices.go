// Package notices keeps what people are told of branches that turned, with the builds that turned
// them, and has it brought to its targets until it is there or given up.
package notices

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"vivarium/pipeline"
	"vivarium/server/notify"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// Notices is what a database holds of them.
type Notices struct {
	db      *database.DB
	log     *slog.Logger
	targets []notify.Target
}

// New is the notices of db for these targets.
func New(db *database.DB, log *slog.Logger, targets []notify.Target) *Notices {
	return &Notices{db, log, targets}
}

type colourRow struct {
	RepoKey string       `gorm:"primaryKey"` // the full name in lower case
	Ref     pipeline.Ref `gorm:"primaryKey"`
	Colour  notify.Colour
}

func (colourRow) TableName() string { return "branch_colours" }

// noticeRow is one message for one target. It goes with its build.
type noticeRow struct {
	ID        int64 `gorm:"primaryKey"`
	BuildID   int64
	Target    string // its name: the address may be a secret
	Colour    notify.Colour
	Key       string `gorm:"column:message_key"` // names the message, however often it is sent
	QueuedAt  int64
	NextAt    int64 // not before
	Attempts  int
	SentAt    int64
	FailedAt  int64 // given up then
	LastError string
}

func (noticeRow) TableName() string { return "notices" }

// isOpen is the condition of messages that are still to be sent, in the words of their index.
const isOpen = "sent_at = 0 AND failed_at = 0"

// Keep notes what a build's end makes of its branch, and what is to be told, in the transaction
// that ends it. What is not the branch's last push says nothing of the branch any more.
func (n *Notices) Keep(tx *database.Tx, b builds.Row, _ pipeline.Outcome) error {
	after := notify.ColourOf(b.State)
	if len(n.targets) == 0 || after == notify.None || b.Ref.Kind() != pipeline.RefBranch {
		return nil
	}
	if last, err := isLast(tx, b); err != nil || !last {
		return err
	}
	before, err := colour(tx, b)
	if err != nil || before == after {
		return err
	}
	now := colourRow{RepoKey: strings.ToLower(b.Repo), Ref: b.Ref, Colour: after}
	err = tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "repo_key"}, {Name: "ref"}},
		DoUpdates: clause.AssignmentColumns([]string{"colour"}),
	}).Create(&now).Error
	if err != nil || !notify.Turned(before, after) {
		return err
	}
	for _, t := range n.targets {
		if !t.Takes(b.Repo) {
			continue
		}
		at := database.Micros(tx.Now())
		row := noticeRow{BuildID: b.ID, Target: t.Name(), Colour: after, Key: rand.Text(), QueuedAt: at, NextAt: at}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
	}
	return nil
}

// isLast reports whether the last push of the build's branch, of those that are built, was of its commit.
func isLast(tx *database.Tx, b builds.Row) (bool, error) {
	var last []string
	err := tx.Model(&builds.Row{}).Where("lower(repo) = ? AND ref = ? AND "+builds.Pushes, strings.ToLower(b.Repo), b.Ref).
		Where("cause NOT IN ?", builds.Unbuilt).Order("pushed_at DESC, id DESC").Limit(1).Pluck("sha", &last).Error
	return len(last) == 0 || last[0] == b.SHA, err
}

// colour is what the branch has come to so far. Where nobody was told yet, its builds say it.
func colour(tx *database.Tx, b builds.Row) (notify.Colour, error) {
	var known []colourRow
	key := strings.ToLower(b.Repo)
	if err := tx.Where("repo_key = ? AND ref = ?", key, b.Ref).Find(&known).Error; err != nil {
		return notify.None, err
	}
	if len(known) > 0 {
		return known[0].Colour, nil
	}
	var states []pipeline.State
	err := tx.Model(&builds.Row{}).Where("lower(repo) = ? AND ref = ? AND ended_at > 0 AND id < ?", key, b.Ref, b.ID).
		Order("id DESC").Limit(10).Pluck("state", &states).Error
	for _, s := range states {
		if c := notify.ColourOf(s); c != notify.None {
			return c, err
		}
	}
	return notify.None, err
}

// Drop removes what is known of a repository's branches, by its name in lower case. Messages go with
// their builds.
func Drop(tx *database.Tx, key string) error {
	return tx.Where("repo_key = ?", key).Delete(&colourRow{}).Error
}

// Sender brings a message to its target. Errors that are *notify.RefusedError are for good.
type Sender interface {
	Send(ctx context.Context, t notify.Target, m notify.Message, key string) error
}

const (
	// most is how many messages are sent in one round.
	most = 20
	// held is how long a message is left to the server that sends it.
	held = time.Minute
	// pauses after an attempt in vain, which double, and how long it is tried in all.
	firstPause, longestPause = 10 * time.Second, time.Hour
	giveUpAfter              = 24 * time.Hour
)

// Anybody reports whether there is somebody to tell.
func (n *Notices) Anybody() bool { return len(n.targets) > 0 }

// Send brings what is due to its targets. pageOf gives the address of a build's page; empty: none.
func (n *Notices) Send(ctx context.Context, by Sender, pageOf func(build int64) string) error {
	var due []noticeRow
	err := n.db.Read(ctx).Where(isOpen+" AND next_at <= ?", database.Micros(n.db.Now())).
		Order("next_at, id").Limit(most).Find(&due).Error
	if err != nil {
		return fmt.Errorf("look for messages that are due: %w", err)
	}
	for _, r := range due {
		if err := n.one(ctx, by, pageOf, r); err != nil {
			return fmt.Errorf("send message %d: %w", r.ID, err)
		}
	}
	return nil
}

// one sends a message, unless another server has taken it.
func (n *Notices) one(ctx context.Context, by Sender, pageOf func(int64) string, r noticeRow) error {
	now := n.db.Now()
	var b builds.Row
	taken := false
	err := n.db.Transact(ctx, func(tx *database.Tx) error {
		took := tx.Model(&noticeRow{}).Where("id = ? AND next_at = ? AND "+isOpen, r.ID, r.NextAt).
			Updates(map[string]any{"next_at": database.Micros(now.Add(held)), "attempts": r.Attempts + 1})
		if taken = took.RowsAffected == 1; took.Error != nil || !taken {
			return took.Error
		}
		return tx.Take(&b, r.BuildID).Error
	})
	if err != nil || !taken {
		return err
	}
	err = n.bring(ctx, by, r, message(b, r.Colour, pageOf(b.ID)))
	changes := n.after(r, err)
	log := n.log.With("build", r.BuildID, "target", r.Target, "branch", r.Colour)
	switch {
	case err == nil:
		log.InfoContext(ctx, "people are told that a branch has turned")
	default:
		log.WarnContext(ctx, "a message is not delivered", "err", err, "given up", changes["failed_at"] != nil)
	}
	ctx = context.WithoutCancel(ctx)
	return n.db.Transact(ctx, func(tx *database.Tx) error {
		return tx.Model(&noticeRow{}).Where("id = ?", r.ID).Updates(changes).Error
	})
}

func (n *Notices) bring(ctx context.Context, by Sender, r noticeRow, m notify.Message) error {
	for _, t := range n.targets {
		if t.Name() == r.Target {
			return by.Send(ctx, t, m, r.Key)
		}
	}
	return &notify.RefusedError{Why: "its target is no longer in VIVARIUM_NOTIFY"}
}

// after is what an attempt changes in the row.
func (n *Notices) after(r noticeRow, err error) map[string]any {
	now := n.db.Now()
	if err == nil {
		return map[string]any{"sent_at": database.Micros(now), "last_error": ""}
	}
	changes := map[string]any{"last_error": err.Error()}
	_, refused := errors.AsType[*notify.RefusedError](err)
	if refused || now.Sub(database.FromMicros(r.QueuedAt)) > giveUpAfter {
		changes["failed_at"] = database.Micros(now)
		return changes
	}
	next := now.Add(min(firstPause<<min(r.Attempts, 10), longestPause))
	if later, ok := errors.AsType[*notify.LaterError](err); ok && later.At.After(next) {
		next = later.At
	}
	changes["next_at"] = database.Micros(next)
	return changes
}

// message is what is told of a build that turned its branch.
func message(b builds.Row, c notify.Colour, page string) notify.Message {
	return notify.Message{
		Colour: c, Repo: b.Repo, Branch: b.Ref.Short(), SHA: b.SHA, Build: b.ID, URL: page, State: string(b.State),
		Cause: string(b.Cause), Summary: b.Summary, Author: b.Author, Title: b.Message,
	}
}

// Trouble is why the last message of each target is not there, by the target's name.
func (n *Notices) Trouble(ctx context.Context) (map[string]string, error) {
	var rows []noticeRow
	err := n.db.Read(ctx).Where("id IN (SELECT max(id) FROM notices GROUP BY target) AND last_error <> ''").
		Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read the messages that are not there: %w", err)
	}
	trouble := map[string]string{}
	for _, r := range rows {
		trouble[r.Target] = r.LastError
	}
	return trouble, nil
}
