package testruns

import (
	"context"
	"fmt"
	"slices"

	"vivarium/pipeline/results"
)

// Result is a test's result and its number among those of its build.
type Result struct {
	Seq int64
	results.Test
}

// Query selects results of a build, in their order. Zero fields do not restrict.
type Query struct {
	After    int64 // only those with greater numbers
	Outcomes []results.Outcome
}

func (q Query) takes(r Result) bool {
	return r.Seq > q.After && (len(q.Outcomes) == 0 || slices.Contains(q.Outcomes, r.Outcome))
}

// Failing gives the first red results of a build, in their order, with all that is known of them:
// at most so many.
func (r *Runs) Failing(ctx context.Context, build int64, most int) ([]Result, error) {
	var rows []failureRow
	err := r.db.Read(ctx).Where("build_id = ? AND attempt = ("+newest+")", build, build).
		Order("seq").Limit(most).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read the failing tests of build %d: %w", build, err)
	}
	list := make([]Result, len(rows))
	for i, row := range rows {
		if list[i], err = row.result(); err != nil {
			return nil, fmt.Errorf("read the failing tests of build %d: %w", build, err)
		}
	}
	return list, nil
}

// Each calls f with the results that q selects, until f returns false. While the build runs, results
// that are not red come some time after they were recorded.
func (r *Runs) Each(ctx context.Context, build int64, q Query, f func(Result) bool) error {
	m := merger{take: func(one Result) bool { return !q.takes(one) || f(one) }}
	var err error
	if m.red, err = r.Failing(ctx, build, mostFailures); err != nil {
		return err
	}
	for after := q.After; !m.over; {
		var blocks []blockRow
		err := r.db.Read(ctx).Where("build_id = ? AND attempt = ("+newest+") AND last_seq > ?", build, build, after).
			Order("first_seq").Limit(1).Find(&blocks).Error
		if err != nil {
			return fmt.Errorf("read the tests of build %d: %w", build, err)
		}
		if len(blocks) == 0 {
			m.redBefore(0)
			return nil
		}
		entries, err := unpack(blocks[0].Data)
		if err != nil {
			return fmt.Errorf("read the tests of build %d: %w", build, err)
		}
		for _, e := range entries {
			m.next(e.result())
		}
		after = blocks[0].LastSeq
	}
	return nil
}

// merger puts red results, which are rows, among the others, by their numbers.
type merger struct {
	red  []Result
	take func(Result) bool
	last int64 // the number of the last red one that was taken
	over bool
}

// next takes a result out of a block. A row of the same number has replaced it.
func (m *merger) next(r Result) {
	m.redBefore(r.Seq + 1)
	if m.over || m.last == r.Seq {
		return
	}
	m.over = !m.take(r)
}

// redBefore takes the red results with smaller numbers; all of them for 0.
func (m *merger) redBefore(seq int64) {
	for !m.over && len(m.red) > 0 && (seq == 0 || m.red[0].Seq < seq) {
		m.last = m.red[0].Seq
		m.over = !m.take(m.red[0])
		m.red = m.red[1:]
	}
}

// List gives the first results that q selects, at most so many.
func (r *Runs) List(ctx context.Context, build int64, q Query, most int) ([]Result, error) {
	var list []Result
	err := r.Each(ctx, build, q, func(one Result) bool {
		list = append(list, one)
		return len(list) < most
	})
	return list, err
}
