package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/riverqueue/river"

	"vivarium/pipeline"
	"vivarium/server/github/githubtest"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/outbox/budget"
	"vivarium/server/store/storetest"
)

// limited is a git host with GitHub's limits, whose answers take a while.
type limited struct {
	host
	content githubtest.Content
	at      map[string]time.Time // when the end of a commit came
}

func (h *limited) Post(ctx context.Context, st pipeline.CommitStatus) error {
	time.Sleep(200 * time.Millisecond)
	if wait, ok := h.content.Take(time.Now()); !ok {
		return &pipeline.RetryError{At: time.Now().Add(wait), Err: errors.New("secondary rate limit")}
	}
	if st.State != "pending" {
		h.at[st.SHA] = time.Now()
	}
	return h.host.Post(ctx, st)
}

// due is a job that waits for its time, as River keeps it.
type due struct {
	at       time.Time
	priority int
	target   int64
}

// day works on the outbox's jobs as River does: those whose time has come, by priority, one after
// the other.
type day struct {
	t      *testing.T
	db     *database.DB
	sender *Sender
	jobs   []due
}

// tell adds the build's state to the outbox.
func (d *day) tell(b builds.Row, state pipeline.State) {
	d.t.Helper()
	b.State = state
	must(d.t, d.db.Transact(d.t.Context(), func(tx *database.Tx) error {
		job, err := Add(tx, b)
		d.jobs = append(d.jobs, due{
			at: time.Now(), priority: job.InsertOpts.Priority, target: job.Args.(jobArgs).Target,
		})
		return err
	}))
}

// until works until a time.
func (d *day) until(end time.Time) {
	d.t.Helper()
	for {
		now, best := time.Now(), -1
		wake := end
		for i, j := range d.jobs {
			switch {
			case j.at.After(now):
				wake = slices.MinFunc([]time.Time{wake, j.at}, time.Time.Compare)
			case best < 0 || j.priority < d.jobs[best].priority:
				best = i
			}
		}
		if best >= 0 {
			d.work(best)
			continue
		}
		if !now.Before(end) {
			return
		}
		time.Sleep(wake.Sub(now))
	}
}

func (d *day) work(i int) {
	d.t.Helper()
	j := d.jobs[i]
	d.jobs = slices.Delete(d.jobs, i, i+1)
	err := (&worker{Sender: d.sender}).Work(d.t.Context(), &river.Job[jobArgs]{Args: jobArgs{Target: j.target}})
	if later, ok := errors.AsType[*river.JobSnoozeError](err); ok {
		j.at = time.Now().Add(later.Duration)
		d.jobs = append(d.jobs, j)
		return
	}
	must(d.t, err)
}

// busyHour pushes 300 commits in an hour, each built for two minutes, and gives how it ended. A
// zero budget is the control.
func busyHour(t *testing.T, with budget.Limits) (h *limited, ended map[string]time.Time) {
	h, ended = &limited{at: map[string]time.Time{}}, map[string]time.Time{}
	synctest.Test(t, func(t *testing.T) {
		db := databasetest.SQLite(t)
		d := &day{t: t, db: db, sender: New(db).NewSender(Settings{
			Log: storetest.Log(t), Reporter: h, StatusContext: "vivarium", Budget: with,
		})}
		const pushes, takes, apart = 300, 10, 12 * time.Second // takes: builds under way at a time
		var running []builds.Row
		end := func() {
			b := running[0]
			running = running[1:]
			ended[b.SHA] = time.Now()
			d.tell(b, pipeline.Passed)
		}
		for n := range pushes {
			b := build(t, db, fmt.Sprintf("%040x", n+1), main)
			d.tell(b, pipeline.Queued)
			if running = append(running, b); len(running) > takes {
				end()
			}
			d.until(time.Now().Add(apart))
		}
		for len(running) > 0 {
			end()
			d.until(time.Now().Add(apart))
		}
		d.until(time.Now().Add(2 * time.Hour))
	})
	return h, ended
}

// TestABusyHourKeepsAllEndsAndIsNeverRefused: 300 pushes in an hour would be 600 statuses, of which
// GitHub takes 500. Beginnings are left out, and each end comes at once.
func TestABusyHourKeepsAllEndsAndIsNeverRefused(t *testing.T) {
	h, ended := busyHour(t, budget.GitHub)
	if n := h.content.Refused(); n != 0 {
		t.Errorf("%d statuses were refused", n)
	}
	if len(h.at) != 300 {
		t.Errorf("%d ends came", len(h.at))
	}
	slowest := time.Duration(0)
	for sha, at := range h.at {
		slowest = max(slowest, at.Sub(ended[sha]))
	}
	if slowest > time.Minute {
		t.Errorf("an end came %v late", slowest)
	}
	if begun := len(h.posts) - len(h.at); begun < 100 {
		t.Errorf("control: %d beginnings came", begun)
	}
}

// TestWithoutABudgetABusyHourIsRefused is the control: the host's limits do strike.
func TestWithoutABudgetABusyHourIsRefused(t *testing.T) {
	if h, _ := busyHour(t, budget.Limits{}); h.content.Refused() == 0 {
		t.Error("nothing was refused")
	}
}
