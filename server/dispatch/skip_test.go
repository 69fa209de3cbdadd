package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/store"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// TestABuildMayBeLeftOutOnlyWhereNothingIsHiddenByIt: its status is green.
func TestABuildMayBeLeftOutOnlyWhereNothingIsHiddenByIt(t *testing.T) {
	s, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	sha := func(c string) string { return strings.Repeat(c, 40) }
	rows := []builds.Row{
		{SHA: sha("a"), State: pipeline.Passed},
		{SHA: sha("b"), State: pipeline.Passed},
		{SHA: sha("b"), State: pipeline.Failed, Cause: pipeline.CauseTests}, // its second build
		{SHA: sha("c"), State: pipeline.Skipped, Cause: pipeline.CauseSkipped},
		{SHA: sha("d"), State: pipeline.Failed, Cause: pipeline.CauseTests},
		{SHA: sha("9"), State: pipeline.Passed, Fork: true, Approved: true},
	}
	for i := range rows {
		rows[i].Repo, rows[i].Ref, rows[i].Trigger = "o/n", "refs/heads/main", pipeline.TriggerPush
	}
	if err := s.Database.Transact(t.Context(), func(tx *database.Tx) error { return tx.Create(&rows).Error }); err != nil {
		t.Fatal(err)
	}
	d := &Dispatcher{Builds: s, Log: slog.New(slog.DiscardHandler),
		Compare: func(_ context.Context, repo, before, after string) ([]string, error) {
			if repo != "o/n" || before != sha("a") || after != sha("e") {
				return nil, errors.New("asked for something else")
			}
			return []string{"a.py"}, nil
		}}
	push := pipeline.Build{ID: 9, Repo: pipeline.Repository{FullName: "o/n"}, Ref: "refs/heads/topic",
		SHA: sha("e"), Before: sha("a"), Trigger: pipeline.TriggerPush}
	with := func(change func(*pipeline.Build)) pipeline.Build { b := push; change(&b); return b }
	for name, c := range map[string]struct {
		build         pipeline.Build
		may, byItsWay bool // it may be left out; also by its files
	}{
		"a push":                   {push, true, true},
		"its commit was skipped":   {with(func(b *pipeline.Build) { b.SHA = sha("c"); b.Before = "" }), true, false},
		"its commit was built":     {with(func(b *pipeline.Build) { b.SHA = sha("d") }), false, false},
		"asked for":                {with(func(b *pipeline.Build) { b.Trigger = pipeline.TriggerRerun }), false, false},
		"asked for after a skip":   {with(func(b *pipeline.Build) { b.RerunOf = 4 }), false, false},
		"a pull request's head":    {with(func(b *pipeline.Build) { b.Pull = 3 }), false, false},
		"a tag":                    {with(func(b *pipeline.Build) { b.Ref = "refs/tags/v1" }), false, false},
		"the one before failed":    {with(func(b *pipeline.Build) { b.Before = sha("b") }), true, false},
		"the one before, skipped":  {with(func(b *pipeline.Build) { b.Before = sha("c") }), true, false},
		"the one before, unknown":  {with(func(b *pipeline.Build) { b.Before = sha("f") }), true, false},
		"the one before, a fork's": {with(func(b *pipeline.Build) { b.Before = sha("9") }), true, false},
		"nothing was there before": {with(func(b *pipeline.Build) { b.Before = "" }), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := d.skip(t.Context(), c.build)
			if err != nil || (got != nil) != c.may || got != nil && (got.Before != "") != c.byItsWay {
				t.Fatalf("got %+v, %v", got, err)
			}
			if got != nil && !got.Asked(t.Context()) { // there is no build 9: nobody knows
				t.Error("nobody has asked for it")
			}
			if c.byItsWay && !slices.Equal(got.Changed(t.Context()), []string{"a.py"}) {
				t.Errorf("its files are %q", got.Changed(t.Context()))
			}
		})
	}
	stored := with(func(b *pipeline.Build) { b.ID = rows[0].ID })
	for pull, asked := range map[int64]bool{0: false, 12: true} {
		err := s.Database.Transact(t.Context(), func(tx *database.Tx) error {
			return tx.Model(&builds.Row{}).Where("id = ?", stored.ID).Update("pull", pull).Error
		})
		if got, failed := d.skip(t.Context(), stored); err != nil || failed != nil || got.Asked(t.Context()) != asked {
			t.Errorf("of a commit of pull request %d: %+v, %v, %v; want it asked for: %t", pull, got, err, failed, asked)
		}
	}
	d.Compare = func(context.Context, string, string, string) ([]string, error) { return nil, errors.New("502") }
	if got, err := d.skip(t.Context(), push); err != nil || got.Changed(t.Context()) != nil {
		t.Errorf("where the host does not say: %+v, %v", got, err)
	}
}
