package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"vivarium/pipeline"
	"vivarium/sandbox/quantity"
	"vivarium/server/filter"
	"vivarium/server/registry"
	"vivarium/server/store"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
	"vivarium/server/store/queue"
)

// mostReruns is how many builds one command queues: the most that a query returns.
const mostReruns = 1000

// reruns is one call of `builds rerun`.
type reruns struct {
	*app
	state, since, repos string
	yes                 bool
}

func newBuildsRerun(a *app) *cobra.Command {
	r := reruns{app: a}
	cmd := &cobra.Command{
		Use:   "rerun ID | --state STATE",
		Short: "Queue new builds of the same commits: one by its id, or all that filters select",
		Long: "Rerun queues a new build of the same commit. With --state it does so for all builds that ended so, " +
			"and that --since and\n--repo leave, at most 1000 at a time. A commit that was built again on the same " +
			"branch since is left out. The builds are\nshown first; a script says --yes.",
		Example: "  vivarium builds rerun 12\n  vivarium builds rerun --state errored --since 2h\n" +
			"  vivarium builds rerun --state errored --since '2026-12-01 18:00' --repo 'school/group-*' --yes",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && (r.state != "" || r.since != "" || r.repos != "") || len(args) == 0 && r.state == "" {
				return errors.New("cannot rerun: name one build by its id, or say which by --state, such as " +
					"--state errored --since 2h")
			}
			if len(args) == 0 {
				return r.all(cmd.Context(), time.Now())
			}
			return a.withBuild(cmd.Context(), args[0], func(s *store.Store, id int64) error {
				again, err := s.Queue.Rerun(cmd.Context(), people.Actor{Who: userName()}, id)
				if err != nil {
					return fmt.Errorf("cannot rerun build %d: %w", id, err)
				}
				return a.tellRerun(cmd.Context(), s, again)
			})
		},
	}
	cmd.Flags().StringVar(&r.state, "state", "", "all that ended so: passed, failed, errored, canceled or skipped")
	cmd.Flags().StringVar(&r.since, "since", "", "with --state, only those that ended so long ago at most, such as "+
		"2h, or since a time such as '2026-12-01 18:00'")
	cmd.Flags().StringVar(&r.repos, "repo", "", "with --state, only those of OWNER/NAME or OWNER/PATTERN")
	cmd.Flags().BoolVar(&r.yes, "yes", false, "do not ask")
	return cmd
}

// tellRerun says what became of a new build. One of a fork's code may still have to be approved.
func (a *app) tellRerun(ctx context.Context, s *store.Store, id int64) error {
	b, err := s.Builds.Get(ctx, id)
	if err != nil {
		return err
	}
	if b.State == pipeline.Unapproved {
		fmt.Fprintf(a.stdout, "build %d waits for an approval; `vivarium builds approve %d --sha %s` gives it\n",
			id, id, b.SHA)
		return nil
	}
	fmt.Fprintf(a.stdout, "build %d is queued; `vivarium builds log -f %d` follows it\n", id, id)
	return nil
}

// query makes the flags into a query.
func (r *reruns) query(now time.Time) (q builds.Query, err error) {
	q = builds.Query{Sight: builds.Sight{All: true}, State: pipeline.State(r.state), Fits: r.repos, Last: true,
		Limit: mostReruns}
	if !slices.Contains(filter.States, r.state) || !q.State.Ended() {
		return q, fmt.Errorf("--state is passed, failed, errored, canceled or skipped, not %q", r.state)
	}
	if r.repos != "" {
		if err := registry.CheckPattern(r.repos); err != nil {
			return q, fmt.Errorf("--repo: %w", err)
		}
	}
	if r.since == "" {
		return q, nil
	}
	if q.Since, err = quantity.ParsePast(r.since, now, time.Local); err != nil {
		return q, fmt.Errorf("--since is a time, or how long ago, such as 2h: %w", err)
	}
	return q, nil
}

// all queues again the builds that the filters select.
func (r *reruns) all(ctx context.Context, now time.Time) error {
	q, err := r.query(now)
	if err != nil {
		return fmt.Errorf("cannot rerun: %w", err)
	}
	return r.withStore(ctx, func(_ config, s *store.Store) error {
		builds, err := s.Builds.List(ctx, q)
		if err != nil {
			return fmt.Errorf("cannot rerun: %w", err)
		}
		slices.Reverse(builds) // queues the oldest first
		if len(builds) == 0 {
			fmt.Fprintln(r.stdout, "No such build is to be run again.")
			return nil
		}
		if err := printBuilds(r.stdout, builds, make([]int, len(builds))); err != nil {
			return err
		}
		if err := r.confirm(len(builds)); err != nil {
			return err
		}
		return r.queue(ctx, s, builds)
	})
}

// confirm asks the user. A script must pass --yes.
func (r *reruns) confirm(n int) error {
	if r.yes {
		return nil
	}
	what := plural(int64(n), "build", "builds")
	f, ok := r.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return fmt.Errorf("cannot rerun %s without being asked to for certain: add --yes", what)
	}
	fmt.Fprintf(r.stdout, "Queue %s again? Type yes to go on: ", what)
	line, err := bufio.NewReader(r.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("cannot rerun: %w", err)
	}
	if !strings.EqualFold(strings.TrimSpace(line), "yes") {
		return errors.New("nothing was queued")
	}
	return nil
}

// queue queues the builds again. When one cannot be queued, it goes on with the next.
func (r *reruns) queue(ctx context.Context, s *store.Store, builds []pipeline.Build) error {
	queued := 0
	for _, b := range builds {
		again, err := s.Queue.Rerun(ctx, people.Actor{Who: userName()}, b.ID)
		switch _, over := errors.AsType[*queue.QuotaError](err); {
		case over, errors.Is(err, database.ErrNotFound): // purged in the meantime
			fmt.Fprintf(r.stdout, "build %d is not queued again: %v\n", b.ID, err)
			continue
		case err != nil:
			return fmt.Errorf("cannot rerun build %d: %w", b.ID, err)
		}
		queued++
		fmt.Fprintf(r.stdout, "build %d is queued again as build %d\n", b.ID, again)
	}
	fmt.Fprintf(r.stdout, "%d of %s queued again\n", queued, plural(int64(len(builds)), "build", "builds"))
	if left := len(builds) - queued; left > 0 {
		return fmt.Errorf("%d of %s could not be queued again", left, plural(int64(len(builds)), "build", "builds"))
	}
	return nil
}
