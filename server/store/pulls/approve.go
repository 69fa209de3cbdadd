package pulls

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
	"vivarium/server/store/queue"
)

// Errors of Approve.
var (
	// ErrNoApproval says that a build waits for no approval: it has one, needs none, or has ended.
	ErrNoApproval = errors.New("it waits for no approval")
	// ErrOtherCommit says that another commit was approved than the one that waits.
	ErrOtherCommit = errors.New("it is of another commit")
)

// Approve lets the code of a fork be built: the commit sha, and no other. Over a quota that is a
// queue.QuotaError.
func (s *Pulls) Approve(ctx context.Context, by people.Actor, id int64, sha string) error {
	err := database.TryAgain(acceptTries, database.IsDeadlock, func() error {
		return s.db.Transact(ctx, func(tx *database.Tx) error { return s.approve(ctx, tx, by, id, sha) })
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = database.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("approve build %d: %w", id, err)
	}
	s.log.InfoContext(ctx, "build approved", "build", id, "sha", sha, "by", by.Who)
	s.desk.Wake(id)
	return nil
}

func (s *Pulls) approve(ctx context.Context, tx *database.Tx, by people.Actor, id int64, sha string) error {
	var b builds.Row
	if err := tx.Take(&b, id).Error; err != nil {
		return err
	}
	switch {
	case b.State != pipeline.Unapproved:
		return ErrNoApproval
	case b.SHA != sha:
		return ErrOtherCommit
	}
	why, err := s.desk.Over(tx, b)
	if err != nil {
		return err
	}
	if why != "" {
		return &queue.QuotaError{Why: why}
	}
	b.State, b.Approved, b.Summary, b.QueuedAt = pipeline.Queued, true, "", database.Micros(s.db.Now())
	r := tx.Model(&builds.Row{}).Where("id = ? AND state = 'unapproved'", id).
		Updates(map[string]any{"state": b.State, "approved": true, "summary": "", "queued_at": b.QueuedAt})
	if err := database.One(r, ErrNoApproval); err != nil {
		return err
	}
	if err := people.AddChange(tx, by, fmt.Sprintf("approved build %d of commit %s of", id, sha), b.Repo); err != nil {
		return err
	}
	return s.desk.Line(ctx, tx, b)
}

// Waiting is the newest build of a pull request that waits for an approval, or
// database.ErrNotFound.
func (s *Pulls) Waiting(ctx context.Context, repo string, pull int64) (pipeline.Build, error) {
	var rows []builds.Row
	err := unapproved(s.db.Read(ctx), strings.ToLower(repo), pull).Find(&rows).Error
	switch {
	case err != nil:
		return pipeline.Build{}, fmt.Errorf("look for what waits for an approval of #%d of %s: %w", pull, repo, err)
	case len(rows) == 0:
		return pipeline.Build{}, database.ErrNotFound
	}
	return rows[len(rows)-1].Build(), nil
}

// Close ends what waits for an approval of a pull request, which was closed, and counts it.
func (s *Pulls) Close(ctx context.Context, repo string, pull int64) (int, error) {
	var waiting []builds.Row
	name := Ref(pull).Short()
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		err := unapproved(tx.DB, strings.ToLower(repo), pull).Find(&waiting).Error
		for i := range waiting {
			if err == nil {
				err = s.desk.End(ctx, tx, &waiting[i], name+" was closed")
			}
		}
		return err
	})
	if errors.Is(err, builds.ErrLost) { // one was approved or ended meanwhile
		return s.Close(ctx, repo, pull)
	}
	if err != nil {
		return 0, fmt.Errorf("end what waits for an approval of %s of %s: %w", name, repo, err)
	}
	s.desk.Ended(ctx, waiting...)
	return len(waiting), nil
}
