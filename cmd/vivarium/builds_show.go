package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vivarium/pipeline"
	"vivarium/server/store"
	"vivarium/server/store/outbox"
)

func newBuildsShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a build, its steps, failing tests, what changed since the last green one, and its commit statuses",
		Example: "  vivarium builds show 12",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withBuild(cmd.Context(), args[0], func(s *store.Store, id int64) error {
				return a.showBuild(cmd.Context(), s, id)
			})
		},
	}
}

func (a *app) showBuild(ctx context.Context, s *store.Store, id int64) error {
	b, err := s.Builds.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("cannot show build %d: %w", id, err)
	}
	statuses, err := s.Outbox.Statuses(ctx, id)
	if err != nil {
		return fmt.Errorf("cannot show the statuses of build %d: %w", id, err)
	}
	n, err := s.Queue.Place(ctx, b)
	if err != nil {
		return fmt.Errorf("cannot show build %d: %w", id, err)
	}
	since, err := s.Environments.Since(ctx, b)
	if err != nil {
		return fmt.Errorf("cannot show build %d: %w", id, err)
	}
	counts, _, err := s.Tests.Counts(ctx, id)
	if err != nil {
		return fmt.Errorf("cannot show build %d: %w", id, err)
	}
	failing, err := s.Tests.Failing(ctx, id, 20)
	if err != nil {
		return fmt.Errorf("cannot show build %d: %w", id, err)
	}
	known, err := s.TestHistories.Of(ctx, b, failing)
	if err != nil {
		return fmt.Errorf("cannot show build %d: %w", id, err)
	}
	printBuild(a.stdout, b, n)
	printSteps(a.stdout, b.Steps)
	printFailing(a.stdout, counts, failing, known)
	printFindings(a.stdout, b.Steps, len(failing) > 0)
	fmt.Fprint(a.stdout, since.Text())
	return printStatuses(a.stdout, statuses)
}

func printBuild(w io.Writer, b pipeline.Build, inQueue int) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) { fmt.Fprintf(t, "%s\t%s\n", name, dash(oneLine(value))) }
	line("build", fmt.Sprint(b.ID))
	line("state", string(b.State))
	if inQueue > 0 {
		line("place in the queue", queuePlace(inQueue))
	}
	if w := b.Waiting; w != nil {
		line("waits for", fmt.Sprintf("%s, since %s; next try %s", w.For(), localTime(w.Since), nextTry(*w)))
	}
	line("cause", string(b.Cause))
	line("summary", b.Summary)
	line("repository", b.Repo.FullName)
	line("ref", string(b.Ref))
	if b.Pull != 0 {
		line("pull request", pullOf(b))
	}
	line("commit", b.SHA)
	line("message", b.Message)
	line("author", b.Author)
	line("trigger", trigger(b))
	line("attempt", fmt.Sprint(b.Attempt))
	line("image", b.Image)
	if l := b.Limits(); l != nil {
		line("limits", l.String())
	}
	line("queued", localTime(b.QueuedAt))
	line("took", buildTook(b))
	t.Flush()
}

// nextTry says when a waiting build is tried again.
func nextTry(w pipeline.Waiting) string {
	if !w.Next.After(time.Now()) {
		return "as soon as it answers"
	}
	return localTime(w.Next)
}

func pullOf(b pipeline.Build) string {
	if b.Fork {
		return fmt.Sprintf("#%d, of a fork", b.Pull)
	}
	return fmt.Sprintf("#%d", b.Pull)
}

func trigger(b pipeline.Build) string {
	if b.RerunOf != 0 {
		return fmt.Sprintf("%s of build %d", b.Trigger, b.RerunOf)
	}
	return string(b.Trigger)
}

func printSteps(w io.Writer, steps []pipeline.Step) {
	if len(steps) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nSTEP\tSTATE\tTOOK\tEXIT\tNOTE")
	for _, s := range steps {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", s.Name, s.State, took(s.StartedAt, s.EndedAt), exitOf(s),
			dash(oneLine(s.Note)))
	}
	t.Flush()
}

// printFindings lists what the steps' tools found wrong, less that of the tests where it is known of
// each.
func printFindings(w io.Writer, steps []pipeline.Step, testsKnown bool) {
	for _, s := range steps {
		if testsKnown && s.Name == pipeline.StepTest {
			continue
		}
		for i, f := range s.Findings.Findings {
			if i == 0 {
				fmt.Fprintf(w, "\nFOUND BY %s\n", s.Name)
			}
			fmt.Fprintln(w, oneLine(f.String()))
		}
		if more := s.Findings.Total - len(s.Findings.Findings); more > 0 && len(s.Findings.Findings) > 0 {
			fmt.Fprintf(w, "and %d more\n", more)
		}
	}
}

func exitOf(s pipeline.Step) string {
	if s.ExitCode != nil {
		return fmt.Sprint(*s.ExitCode)
	}
	return dash(s.Signal)
}

func printStatuses(w io.Writer, statuses []outbox.Status) error {
	if len(statuses) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nSTATUS\tCONTEXT\tSENT\tDESCRIPTION")
	for _, s := range statuses {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", s.State, dash(oneLine(s.Context)), sentOf(s), oneLine(s.Description))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if d := outbox.Undelivered(statuses); d != nil {
		fmt.Fprintf(w, "\n%s\n", oneLine(d.Text(time.Now())))
	}
	return nil
}

func sentOf(s outbox.Status) string {
	switch {
	case !s.SentAt.IsZero():
		return localTime(s.SentAt)
	case s.Undelivered:
		return "given up: " + oneLine(s.LastError)
	case s.LastError != "":
		return "not yet: " + oneLine(s.LastError)
	}
	return "not yet"
}
