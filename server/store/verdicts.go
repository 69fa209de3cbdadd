package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"vivarium/pipeline"
	"vivarium/server/registry"
)

// Verdict is what a branch of a repository had come to at a time: the last push until then, and how that was judged.
type Verdict struct {
	Push pipeline.Build // of the last push until then
	// Judged is the build whose end is the verdict. It may have ended after the time, as may a rerun: the push counts.
	Judged pipeline.Build
}

// Branch is the branch's short name.
func (v Verdict) Branch() string { return strings.TrimPrefix(v.Push.Ref, "refs/heads/") }

// verdict judges a push by the builds of its commit on its branch, the push's first, then by their ids: the newest that
// came to an end by itself counts; one that was canceled says nothing of the commit, and counts where there is no other.
func verdict(builds []pipeline.Build) Verdict {
	v := Verdict{Push: builds[0], Judged: builds[0]}
	for _, b := range builds[1:] {
		if weight(b.State) >= weight(v.Judged.State) {
			v.Judged = b
		}
	}
	return v
}

// weight orders states by what they say of a commit.
func weight(s pipeline.State) int {
	switch {
	case s == pipeline.Canceled:
		return 0
	case !s.Ended():
		return 1
	}
	return 2
}

// VerdictQuery selects verdicts, by repository and branch. Zero fields other than Sight do not restrict.
type VerdictQuery struct {
	Sight         Sight     // whose builds may be seen
	At            time.Time // pushes that were taken until then count; the zero time is now
	Repos         string    // OWNER/NAME or OWNER/PATTERN
	Ref           string    // of one branch
	DefaultBranch bool      // only the default branch of the one repository that Repos names
	After         Branch    // only what comes after
	Limit         int       // at most 1000; 0 is 100
}

// Branch is a place in the order of verdicts.
type Branch struct{ Repo, Ref string }

// branchRefs are the refs of branches; tags are built too, but nobody hands them in.
const branchRefs = "refs/heads/%"

// Verdicts tells of each branch what it had come to. What was purged is not known any more, nor is that a branch was
// deleted.
func (s *Store) Verdicts(ctx context.Context, q VerdictQuery) ([]Verdict, error) {
	if q.Repos != "" && !registry.IsPattern(q.Repos) {
		if known, err := s.mayKnow(ctx, q.Sight, q.Repos); err != nil || !known {
			return nil, err
		}
	}
	at := q.At
	if at.IsZero() {
		at = s.now()
	}
	key := strings.ToLower(q.After.Repo)
	// Grouped and ordered as the index is, so that a page costs what its own branches do.
	pushes := s.db.read(ctx).Model(&buildRow{}).Select("max(id) AS id, lower(repo) AS repo_key, ref").
		Where(`"trigger" = 'push' AND queued_at <= ? AND ref LIKE ?`, micros(at), branchRefs).
		Where("(lower(repo) > ? OR (lower(repo) = ? AND ref > ?))", key, key, q.After.Ref).
		Group("lower(repo), ref").Order("lower(repo), ref").Limit(min(cmp.Or(max(q.Limit, 0), defaultLimit), maxLimit))
	if q.Repos != "" {
		pushes = pushes.Where(fits("repo", q.Repos))
	}
	if q.Ref != "" {
		pushes = pushes.Where("ref = ?", q.Ref)
	}
	if q.DefaultBranch { // as the last push said: it may have been another before
		last := s.db.read(ctx).Model(&buildRow{}).Select("max(id)").
			Where(`lower(repo) = ? AND "trigger" = 'push' AND queued_at <= ?`, strings.ToLower(q.Repos), micros(at))
		pushes = pushes.Where("ref = (SELECT 'refs/heads/' || default_branch FROM builds WHERE id = (?))", q.Sight.restrict(last, "builds"))
	}
	pushes = q.Sight.restrict(pushes, "builds")
	builds := s.db.read(ctx).Table("builds AS b").Select("b.*, n.id AS push_id").
		Joins("JOIN (?) AS n ON lower(b.repo) = n.repo_key AND b.ref = n.ref AND b.id >= n.id", pushes).
		Joins("JOIN builds p ON p.id = n.id AND b.sha = p.sha")
	builds = q.Sight.restrict(builds, "b")
	var rows []struct {
		Build  buildRow `gorm:"embedded"`
		PushID int64
	}
	if err := builds.Order("n.repo_key, n.ref, b.id").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("read the verdicts: %w", err)
	}
	var all []Verdict
	for from := 0; from < len(rows); {
		var same []pipeline.Build
		for push := rows[from].PushID; from < len(rows) && rows[from].PushID == push; from++ {
			same = append(same, rows[from].Build.build())
		}
		all = append(all, verdict(same))
	}
	return all, nil
}
