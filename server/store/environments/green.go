package environments

import (
	"context"
	"fmt"
	"strings"

	"vivarium/pipeline"
	"vivarium/pipeline/environment"
	"vivarium/server/store/builds"
)

// Green is the build with which b is to be compared, should it fail: the newest earlier one that
// passed of its repository and commit, else of its branch, else of the default branch. It is nil
// where none has passed. A build that everybody may see is compared with none that is private,
// and the base's own code with none of a fork's, nor the other way round.
func (s *Environments) Green(ctx context.Context, b pipeline.Build) (*environment.Green, error) {
	found, err := s.green(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("look for the last green build before build %d: %w", b.ID, err)
	}
	if found.ID == 0 {
		return nil, nil
	}
	e, err := s.Of(ctx, found.ID)
	if err != nil {
		return nil, err
	}
	return &environment.Green{Build: found.ID, SHA: found.SHA, Environment: e}, nil
}

func (s *Environments) green(ctx context.Context, b pipeline.Build) (found builds.Row, err error) {
	for _, where := range []struct {
		column string
		value  any
	}{{"sha", b.SHA}, {"ref", b.Ref}, {"ref", b.Repo.DefaultRef()}} {
		var rows []builds.Row
		query := s.db.Read(ctx).Select("id", "sha").
			Where("lower(repo) = ? AND "+where.column+" = ?", strings.ToLower(b.Repo.FullName), where.value).
			Where("ended_at > 0 AND cause = '' AND id < ?", b.ID). // which is passed, in the words of its index
			Where("fork = ?", b.Fork)
		if !b.Repo.Private {
			query = query.Where("NOT private")
		}
		if err := query.Order("id DESC").Limit(1).Find(&rows).Error; err != nil {
			return found, err
		}
		if len(rows) > 0 {
			return rows[0], nil
		}
	}
	return found, nil
}

// Since says what differs between a failed build and the green one that it was compared with; nil
// where it did not fail, or there was no green one.
func (s *Environments) Since(ctx context.Context, b pipeline.Build) (*environment.Difference, error) {
	if b.State != pipeline.Failed {
		return nil, nil
	}
	now, err := s.row(ctx, b.ID)
	if err != nil || now.GreenID == 0 {
		return nil, err
	}
	var green builds.Row
	if err := s.db.Read(ctx).Select("id", "sha").Where("id = ?", now.GreenID).Limit(1).Find(&green).Error; err != nil {
		return nil, fmt.Errorf("read the green build before build %d: %w", b.ID, err)
	}
	if green.ID == 0 { // purged meanwhile
		return nil, nil
	}
	was, err := s.Of(ctx, green.ID)
	if err != nil {
		return nil, err
	}
	e, err := now.environment()
	if err != nil {
		return nil, err
	}
	d := environment.Compare(environment.Green{Build: green.ID, SHA: green.SHA, Environment: was}, b.SHA, e)
	return &d, nil
}
