package builds

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/database"
	"vivarium/server/verdict"
)

// Verdict is what a branch of a repository had come to at a time: the last of the pushes that this
// server had taken by then, in the order in which they were made, and how that was judged.
type Verdict struct {
	Push pipeline.Build // of that last push
	// Judged is the build whose end is the verdict. It may have ended after the time, as may a rerun: the push counts.
	Judged pipeline.Build
}

// Branch is the branch's short name.
func (v Verdict) Branch() string { return v.Push.Ref.Short() }

// VerdictQuery selects verdicts, by repository and branch. Zero fields other than Sight do not restrict.
type VerdictQuery struct {
	Sight         Sight     // whose builds may be seen
	At            time.Time // pushes that were taken until then count; the zero time is now
	Repos         string    // OWNER/NAME or OWNER/PATTERN
	Branch        string    // one branch, by its short name
	DefaultBranch bool      // only the default branch of the one repository that Repos names
	After         Branch    // only what comes after
	Limit         int       // at most 1000; 0 is 100
}

// Branch is a place in the order of verdicts.
type Branch struct {
	Repo string
	Ref  pipeline.Ref
}

// String is read by ParseBranch. Neither a repository's name nor a ref contains a colon.
func (b Branch) String() string { return b.Repo + ":" + string(b.Ref) }

// ParseBranch reads what String has written.
func ParseBranch(s string) (Branch, bool) {
	repo, ref, ok := strings.Cut(s, ":")
	return Branch{Repo: repo, Ref: pipeline.Ref(ref)}, ok
}

// Pushes is the condition of builds that a push led to, in the words of the index builds_branch.
const Pushes = `"trigger" IN ('push', 'poll')`

// Pulls is the condition of builds of pull requests, in the words of the index builds_pulls.
const Pulls = `"trigger" = 'pull_request'`

// Unbuilt are the causes of pushes of which nothing was built: none of them is its branch's last.
var Unbuilt = []pipeline.Cause{
	pipeline.CauseQuota, pipeline.CauseSkipped, pipeline.CauseFiltered, pipeline.CauseUnchanged,
}

// branchRefs are the refs of branches; tags are built too, but nobody hands them in.
const branchRefs = "refs/heads/%"

// Verdicts tells of each branch what it had come to. What was purged is not known any more, nor is that a branch was
// deleted.
func (b *Builds) Verdicts(ctx context.Context, q VerdictQuery) ([]Verdict, error) {
	if q.Repos != "" && !registry.IsPattern(q.Repos) {
		if known, err := b.mayKnow(ctx, q.Sight, q.Repos); err != nil || !known {
			return nil, err
		}
	}
	at := q.At
	if at.IsZero() {
		at = b.db.Now()
	}
	last, err := b.lastPushes(ctx, q, at)
	if err != nil {
		return nil, fmt.Errorf("read the verdicts: %w", err)
	}
	if len(last) == 0 {
		return nil, nil
	}
	judged := b.db.Read(ctx).Table("builds AS b").Select("b.*, p.id AS push_id").
		Joins("JOIN builds p ON b.sha = p.sha AND b.id >= p.id AND b.ref = p.ref AND lower(b.repo) = lower(p.repo)").
		Where("p.id IN ?", last)
	judged = q.Sight.restrict(judged, "b")
	var rows []struct {
		Build  Row `gorm:"embedded"`
		PushID int64
	}
	if err := judged.Order("lower(p.repo), p.ref, b.id").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("read the verdicts: %w", err)
	}
	var all []Verdict
	for from := 0; from < len(rows); {
		var same []pipeline.Build
		for push := rows[from].PushID; from < len(rows) && rows[from].PushID == push; from++ {
			same = append(same, rows[from].Build.Build())
		}
		all = append(all, Verdict{Push: same[0], Judged: verdict.Of(same)})
	}
	return all, nil
}

// notSkipped leaves the pushes out that were not built: a branch's verdict stays as it was.
const notSkipped = "cause NOT IN ('skipped', 'filtered', 'unchanged')"

// lastPushes are the builds of the last push of each branch until a time.
func (b *Builds) lastPushes(ctx context.Context, q VerdictQuery, at time.Time) ([]int64, error) {
	until := func() *gorm.DB {
		db := b.db.Read(ctx).Model(&Row{}).Where(Pushes+" AND queued_at <= ?", database.Micros(at))
		return q.Sight.restrict(db, "builds")
	}
	key := strings.ToLower(q.After.Repo)
	// Grouped and ordered as the index is, so that a page costs what its own branches do.
	times := until().Select("lower(repo) AS repo_key, ref, max(pushed_at) AS pushed_at").Where("ref LIKE ?", branchRefs).
		Where(notSkipped).Where("(lower(repo) > ? OR (lower(repo) = ? AND ref > ?))", key, key, q.After.Ref).
		Group("lower(repo), ref").Order("lower(repo), ref").Limit(min(cmp.Or(max(q.Limit, 0), defaultLimit), maxLimit))
	if q.Repos != "" {
		times = times.Where(database.Fits("repo", q.Repos))
	}
	if q.Branch != "" {
		times = times.Where("ref = ?", pipeline.BranchRef(q.Branch))
	}
	if q.DefaultBranch { // as the last push said: it may have been another before
		last := until().Select("'refs/heads/' || default_branch").Where("lower(repo) = ?", strings.ToLower(q.Repos)).
			Order("pushed_at DESC, id DESC").Limit(1)
		times = times.Where("ref = (?)", last)
	}
	var same []verdict.Dated // of each branch those of its last second, with those that lead from one to another
	err := until().Select("id, n.repo_key || ':' || n.ref AS branch, before_sha, sha, NOT ("+notSkipped+") AS unbuilt").
		Joins(
			"JOIN (?) AS n ON lower(builds.repo) = n.repo_key AND builds.ref = n.ref AND builds.pushed_at = n.pushed_at",
			times,
		).
		Order("n.repo_key, builds.ref, id").Scan(&same).Error
	return verdict.Tips(same), err
}
