package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/riverqueue/river"

	"vivarium/pipeline"
	"vivarium/server/registry"
)

// acceptAgain answers a delivery that comes again. The commit is built again where its builds on the branch have come to nothing: they
// errored or were canceled. It keeps its place among the branch's pushes: the new build repeats the push's.
func (s *Store) acceptAgain(tx *tx, p Push, d deliveryRow) (Accepted, []river.InsertManyParams, error) {
	var old buildRow
	if err := tx.Take(&old, d.BuildID).Error; err != nil {
		return Accepted{}, nil, err
	}
	var builds []buildRow
	err := tx.Where("sha = ? AND id >= ? AND ref = ? AND lower(repo) = ?", old.SHA, old.ID, old.Ref, d.RepoKey).Order("id").Find(&builds).Error
	if err != nil {
		return Accepted{}, nil, err
	}
	last := standing(builds)
	known := Accepted{BuildID: last.ID, Duplicate: true}
	if !cameToNothing(last.State) || p.SHA != old.SHA || p.Ref != old.Ref {
		return known, nil, nil
	}
	b := last.again()
	if known.OverQuota, err = s.overQuota(tx, turnOf(b), false); err != nil || known.OverQuota != "" {
		return known, nil, err
	}
	jobs, err := s.enqueue(tx, &b, "")
	if err != nil {
		return Accepted{}, nil, err
	}
	return Accepted{BuildID: b.ID, Again: last.ID, turn: turnOf(b)}, jobs, nil
}

// standing is the build that tells what a commit has come to so far: one that is under way, else the one that a verdict goes by.
func standing(builds []buildRow) buildRow {
	best := builds[0]
	for _, b := range builds[1:] {
		if standingRank(b.State) >= standingRank(best.State) {
			best = b
		}
	}
	return best
}

func standingRank(s pipeline.State) int {
	if !s.Ended() {
		return 3
	}
	return weight(s)
}

// cameToNothing holds for the ends that say nothing of a commit.
func cameToNothing(s pipeline.State) bool { return s == pipeline.Errored || s == pipeline.Canceled }

// again is a new build of the same commit.
func (r buildRow) again() buildRow {
	return buildRow{
		EntryID: r.EntryID, RepoID: r.RepoID, Repo: r.Repo, DefaultBranch: r.DefaultBranch, Private: r.Private,
		Ref: r.Ref, SHA: r.SHA, Author: r.Author, Message: r.Message, Trigger: "rerun", RerunOf: r.ID,
	}
}

// builtBefore is the newest build of a commit in a repository, or zero.
func builtBefore(tx *tx, key, sha string) (int64, error) {
	var ids []int64
	err := tx.Model(&buildRow{}).Where("sha = ? AND lower(repo) = ?", sha, key).Order("id DESC").Limit(1).Pluck("id", &ids).Error
	return slices.Max(append(ids, 0)), err
}

// Hide notes a delivery that asks for no build and says that its repository is private: its earlier builds then are, too.
func (s *Store) Hide(ctx context.Context, via registry.Entry, name string) error {
	err := tryAgain(acceptTries, isDeadlock, func() error {
		return s.db.transact(ctx, func(tx *tx) error {
			entry, err := s.see(tx, via, name)
			if err != nil {
				return err
			}
			return hideEarlier(tx, turnOf(buildRow{Repo: name, EntryID: entry}), true)
		})
	})
	if err != nil {
		return fmt.Errorf("hide the builds of %s: %w", name, err)
	}
	return nil
}
