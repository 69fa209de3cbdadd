package registry

import (
	"slices"
	"testing"
	"time"
)

func TestWhichOrganizationsHaveAHook(t *testing.T) {
	r := Rules{Entries: []Entry{
		{Kind: Organization, Name: "corp/*"}, {Kind: Organization, Name: "Corp/tool-*"},
		{Kind: Organization, Name: "closed/*", Disabled: true}, {Kind: Pattern, Name: "school/*"},
		{Kind: Repository, Name: "octo/own"},
	}}
	if all := r.Organizations(); len(all) != 1 || all[0].Name != "corp" || all[0].Entry.Name != "corp/*" {
		t.Errorf("got %+v", all)
	}
}

func TestWhichRepositoriesAreLetInByName(t *testing.T) {
	r := Rules{
		Key: []byte("key"), Shared: "shared", For: []string{"team/*", "team/two", "Octo/Own"},
		Entries: []Entry{
			{ID: 1, Kind: Repository, Name: "octo/own"},
			{ID: 2, Kind: Repository, Name: "octo/closed", Disabled: true},
			{ID: 3, Kind: Pattern, Name: "school/group-*"},
			{ID: 4, Kind: Seen, Name: "school/group-1", Parent: 3},
			{ID: 5, Kind: Seen, Name: "school/other", Parent: 9},
			{ID: 6, Kind: Seen, Name: "team/one"},
			{ID: 7, Kind: Seen, Name: "away/one"},
		},
	}
	var got []string
	for _, n := range r.Exact(time.Now()) {
		got = append(got, n.Name)
		if n.Name == "school/group-1" && n.Entry.ID != 4 {
			t.Errorf("%s by entry %d", n.Name, n.Entry.ID)
		}
	}
	if want := []string{"octo/own", "school/group-1", "team/one", "team/two"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
