package pipeline_test

import (
	"testing"

	"vivarium/pipeline"
)

func TestRefsAreToldApartAndShortened(t *testing.T) {
	for ref, want := range map[pipeline.Ref]struct {
		kind  pipeline.RefKind
		short string
	}{
		"refs/heads/main":            {pipeline.RefBranch, "main"},
		"refs/heads/topic/refs/tags": {pipeline.RefBranch, "topic/refs/tags"},
		"refs/tags/v1.2":             {pipeline.RefTag, "v1.2"},
		"refs/pull/12/merge":         {pipeline.RefPullRequest, "#12"},
		"refs/pull/7/head":           {pipeline.RefPullRequest, "#7"},
		"refs/notes/commits":         {pipeline.RefOther, "refs/notes/commits"},
		"main":                       {pipeline.RefOther, "main"},
		"":                           {pipeline.RefOther, ""},
	} {
		if ref.Kind() != want.kind || ref.Short() != want.short {
			t.Errorf("%q is a %s, %q; want a %s, %q", ref, ref.Kind(), ref.Short(), want.kind, want.short)
		}
	}
}

func TestOnlyTheDefaultBranchIsTheDefaultBranch(t *testing.T) {
	for _, c := range []struct {
		ref    pipeline.Ref
		branch string
		want   bool
	}{
		{"refs/heads/main", "main", true},
		{"refs/heads/dev", "main", false},
		{"refs/tags/main", "main", false},
		{"refs/heads/", "", false},
		{"", "", false},
	} {
		b := pipeline.Build{Ref: c.ref, Repo: pipeline.Repository{DefaultBranch: c.branch}}
		if got := b.OnDefaultBranch(); got != c.want {
			t.Errorf("%q is the default branch %q: %v, want %v", c.ref, c.branch, got, c.want)
		}
	}
}
