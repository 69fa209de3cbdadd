package store

import (
	"slices"
	"strings"

	"gorm.io/gorm/clause"

	"vivarium/pipeline"
)

// turnRow is a repository's place among those that wait: the one that was served longest ago is next, one that never was
// comes first. It is found by an index, so that a claim costs the same whether ten builds wait or ten thousand.
type turnRow struct {
	RepoKey string `gorm:"primaryKey"` // its full name in lower case
	Waiting bool   // that builds of it may be queued: set with each, cleared when none is found
	Served  int64  // when its last build was started, by the database's clock; 0 for never
}

func (turnRow) TableName() string { return "turns" }

// turnPage is how many repositories are looked at together. Those whose builds may not start yet are passed over.
const turnPage = 100

// nextBuild is the build whose turn it is: the oldest (or of the default branch the oldest) of the repository that was
// served longest ago, among those that run fewer builds than the cap allows.
func (s *Store) nextBuild(tx *tx) (id int64, found bool, err error) {
	running, err := s.runningByRepo(tx)
	if err != nil {
		return 0, false, err
	}
	for after := (turnRow{Served: -1}); ; {
		var page []turnRow
		err := tx.Where("waiting AND (served > ? OR (served = ? AND repo_key > ?))", after.Served, after.Served, after.RepoKey).
			Order("served, repo_key").Limit(turnPage).Find(&page).Error
		if err != nil || len(page) == 0 {
			return 0, false, err
		}
		for _, t := range page {
			if s.repoWorkers > 0 && running[t.RepoKey] >= s.repoWorkers {
				continue
			}
			if id, err := s.firstOf(tx, t.RepoKey); err != nil || id != 0 {
				return id, id != 0, err
			}
		}
		after = page[len(page)-1]
	}
}

// runningByRepo counts what runs. There are no more of them than workers.
func (s *Store) runningByRepo(tx *tx) (map[string]int, error) {
	if s.repoWorkers == 0 {
		return nil, nil
	}
	var repos []string
	err := tx.Model(&buildRow{}).Where("state = ?", pipeline.Running).Pluck("repo", &repos).Error
	counts := map[string]int{}
	for _, repo := range repos {
		counts[strings.ToLower(repo)]++
	}
	return counts, err
}

// firstOf is the first build of a repository that may start now, or zero.
func (s *Store) firstOf(tx *tx, key string) (int64, error) {
	order := "id"
	if s.defaultBranchFirst {
		order = offDefaultBranch + ", id"
	}
	var ids []int64
	queued := func() error {
		return tx.Model(&buildRow{}).Where("lower(repo) = ? AND state = 'queued' AND not_before <= ?", key, micros(s.now())).
			Order(order).Limit(1).Pluck("id", &ids).Error
	}
	if err := queued(); err != nil || len(ids) > 0 {
		return slices.Max(append(ids, 0)), err
	}
	var later int64
	if err := tx.Model(&buildRow{}).Where("lower(repo) = ? AND state = 'queued'", key).Limit(1).Count(&later).Error; err != nil || later > 0 {
		return 0, err
	}
	return 0, tx.Model(&turnRow{}).Where("repo_key = ?", key).Update("waiting", false).Error
}

// offDefaultBranch is 0 for builds of the default branch and 1 for others; an index knows it.
const offDefaultBranch = "CASE WHEN ref = 'refs/heads/' || default_branch THEN 0 ELSE 1 END"

// served puts a repository behind all others that wait.
func (s *Store) served(tx *tx, repo string) error {
	return tx.Exec("UPDATE turns SET served = "+s.db.clock()+" WHERE repo_key = ?", strings.ToLower(repo)).Error
}

// line notes that builds of these repositories are queued, in the transaction that queues them. They are noted in one
// order, so that two servers do not wait for each other.
func (s *Store) line(tx *tx, repos ...string) error {
	for i, repo := range repos {
		repos[i] = strings.ToLower(repo)
	}
	slices.Sort(repos)
	for _, key := range slices.Compact(repos) {
		err := tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "repo_key"}}, DoUpdates: clause.Assignments(map[string]any{"waiting": true}),
		}).Create(&turnRow{RepoKey: key, Waiting: true}).Error
		if err != nil {
			return err
		}
	}
	return nil
}
