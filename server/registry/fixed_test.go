package registry

import "testing"

func TestFixedIsWhatTheNearestEntrySays(t *testing.T) {
	wide := Entry{ID: 1, Kind: Pattern, Name: "school/*", Fixed: "wide"}
	narrow := Entry{ID: 2, Kind: Organization, Name: "school/group-*", Fixed: "narrow"}
	silent := Entry{ID: 3, Kind: Pattern, Name: "school/group-1*"}
	seen := Entry{ID: 4, Kind: Seen, Name: "school/group-7", Parent: 1, GitHubID: 70}
	own := Entry{ID: 5, Kind: Repository, Name: "school/group-8"}
	said := Entry{ID: 6, Kind: Repository, Name: "school/group-9", Fixed: "own"}
	closed := Entry{ID: 7, Kind: Seen, Name: "school/group-5", Parent: 2, Disabled: true}
	all := []Entry{wide, narrow, silent, seen, own, said, closed}
	for name, c := range map[string]struct {
		origin Origin
		want   string
	}{
		"nothing fits":                         {Origin{Name: "other/group-7"}, ""},
		"the most specific pattern":            {Origin{Name: "School/Group-2"}, "narrow"},
		"the most specific one says nothing":   {Origin{Name: "school/group-11"}, ""},
		"the one that let it in":               {Origin{Name: "school/group-7"}, "wide"},
		"the one that let it in, renamed":      {Origin{Name: "elsewhere/mine", ID: 70}, "wide"},
		"an entry of its own that is silent":   {Origin{Name: "school/group-8"}, "narrow"},
		"an entry of its own":                  {Origin{Name: "school/group-9"}, "own"},
		"closed, with a build that still runs": {Origin{Name: "school/group-5"}, "narrow"},
	} {
		if got := FixedFor(all, c.origin); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
