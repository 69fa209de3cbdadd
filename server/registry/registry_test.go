package registry

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	key = []byte("the operator's key of this test..")
	now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
)

// course is the registry of a course, with one repository of its own beside it.
var course = Rules{
	Key: key, Shared: "the shared secret", For: []string{"team/*"},
	Entries: []Entry{
		{ID: 1, Kind: Pattern, Name: "school/group-*", SecretName: "school/group-*"},
		{ID: 2, Kind: Repository, Name: "octo/hello", SecretName: "octo/hello", GitHubID: 77},
		{ID: 3, Kind: Organization, Name: "corp/*", SecretName: "corp/*"},
		{
			ID:         4,
			Kind:       Seen,
			Name:       "school/group-7",
			Parent:     1,
			SecretName: "school/group-7",
			GitHubID:   707,
			Generation: 3,
			OldUntil:   now.Add(time.Minute),
		},
		{ID: 13, Kind: Seen, Name: "school/moved", Parent: 1, SecretName: "school/group-9"},
		{ID: 12, Kind: Seen, Name: "corp/tool", Parent: 3, SecretName: "corp/tool"},
		{ID: 5, Kind: Seen, Name: "team/app", Parent: 0, SecretName: "team/app"},
		{ID: 6, Kind: Repository, Name: "octo/closed", SecretName: "octo/closed", Disabled: true},
		{ID: 7, Kind: Repository, Name: "team/own", SecretName: "team/own"},
		{
			ID:         8,
			Kind:       Repository,
			Name:       "octo/changed",
			SecretName: "octo/changed",
			Generation: 2,
			OldUntil:   now.Add(time.Hour),
		},
		{ID: 9, Kind: Repository, Name: "octo/late", SecretName: "octo/late", Generation: 1, OldUntil: now},
		{ID: 10, Kind: Pattern, Name: "school/group-x*", SecretName: "school/group-x*", Disabled: true},
		{ID: 11, Kind: Seen, Name: "school/group-x1", Parent: 10, SecretName: "school/group-x1"},
	},
}

func TestClaimIsOpenedByItsOwnSecretsAlone(t *testing.T) {
	secret := func(name string, generation int64) string { return Secret(key, name, generation) }
	for name, c := range map[string]struct {
		origin  Origin
		secrets []string // none: not let in
		renamed bool
	}{
		"one repository":                {Origin{"octo/hello", 77}, []string{secret("octo/hello", 0)}, false},
		"in other letters":              {Origin{"OCTO/Hello", 77}, []string{secret("octo/hello", 0)}, false},
		"another's id does not open it": {Origin{"octo/hello", 707}, []string{secret("octo/hello", 0)}, false},
		"a repository of a pattern":     {Origin{"school/group-1", 1}, []string{secret("school/group-1", 0)}, false},
		"another of the pattern":        {Origin{"school/group-2", 2}, []string{secret("school/group-2", 0)}, false},
		"one that was seen": {
			Origin{"school/group-7", 707},
			[]string{secret("school/group-7", 3), secret("school/group-7", 2)},
			false,
		},
		"an organization's":                  {Origin{"corp/anything", 3}, []string{secret("corp/*", 0)}, false},
		"an organization's that was seen":    {Origin{"corp/tool", 3}, []string{secret("corp/*", 0)}, false},
		"an organization's ping":             {Origin{"corp", 0}, []string{secret("corp/*", 0)}, false},
		"the shared secret's ping":           {Origin{"Team", 0}, []string{"the shared secret"}, false},
		"a pattern's owner is no repository": {Origin{"school", 0}, nil, false},
		"the shared secret":                  {Origin{"team/new", 4}, []string{"the shared secret"}, false},
		"seen by the shared secret":          {Origin{"team/app", 4}, []string{"the shared secret"}, false},
		"one with its own is not shared":     {Origin{"team/own", 4}, []string{secret("team/own", 0)}, false},
		"renamed":                            {Origin{"octo/new-name", 77}, []string{secret("octo/hello", 0)}, true},
		"renamed below a pattern": {
			Origin{"school/project-7", 707},
			[]string{secret("school/group-7", 3), secret("school/group-7", 2)},
			true,
		},
		"a name that another had":       {Origin{"school/group-9", 99}, nil, false},
		"the other, under its new name": {Origin{"school/moved", 98}, []string{secret("school/group-9", 0)}, false},
		"unknown":                       {Origin{"evil/repo", 5}, nil, false},
		"no id is no key":               {Origin{"evil/repo", 0}, nil, false},
		"disabled":                      {Origin{"octo/closed", 6}, nil, false},
		"below a disabled pattern":      {Origin{"school/group-x2", 6}, nil, false},
		"seen below a disabled pattern": {Origin{"school/group-x1", 6}, nil, false},
		"changed, within its grace": {
			Origin{"octo/changed", 8},
			[]string{secret("octo/changed", 2), secret("octo/changed", 1)},
			false,
		},
		"changed, after its grace":     {Origin{"octo/late", 9}, []string{secret("octo/late", 1)}, false},
		"a name that only looks alike": {Origin{"octo/hell\u043e", 5}, nil, false},
		"a letter that folds to one":   {Origin{"\u017fchool/group-1", 5}, nil, false},
		"nothing":                      {Origin{}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := course.Find(c.origin, now)
			if c.secrets == nil {
				if !errors.Is(err, ErrUnknown) || len(g.Secrets) > 0 {
					t.Errorf("got %+v, %v; want ErrUnknown", g, err)
				}
				return
			}
			if err != nil || !slices.Equal(g.Secrets, c.secrets) || g.Renamed != c.renamed {
				t.Errorf("got %+v, %v; want %q, renamed %v", g, err, c.secrets, c.renamed)
			}
		})
	}
}

// TestWhatTheSharedSecretLetInIsOpenedByAPatternOnceThatSecretIsGone: otherwise a team that moves
// on to secrets of its own would be refused as long as its repositories stand in the registry as
// seen.
func TestWhatTheSharedSecretLetInIsOpenedByAPatternOnceThatSecretIsGone(t *testing.T) {
	seen := Entry{ID: 5, Kind: Seen, Name: "team/app", SecretName: "team/app", GitHubID: 55}
	with := func(shared string, entries ...Entry) Rules {
		r := Rules{Key: key, Shared: shared, Entries: append(entries, seen)}
		if shared != "" {
			r.For = []string{"team/*"}
		}
		return r
	}
	pattern := Entry{ID: 1, Kind: Pattern, Name: "team/*", SecretName: "team/*"}
	organization, closed := pattern, pattern
	organization.Kind, closed.Disabled = Organization, true
	for name, c := range map[string]struct {
		rules  Rules
		origin string
		secret string // empty: not let in
		parent int64
	}{
		"it is still there":     {with("shared", pattern), "team/app", "shared", 0},
		"a pattern's":           {with("", pattern), "team/app", Secret(key, "team/app", 0), 1},
		"renamed meanwhile":     {with("", pattern), "team/new", Secret(key, "team/app", 0), 1},
		"an organization's":     {with("", organization), "team/app", Secret(key, "team/*", 0), 1},
		"a pattern that closed": {with("", closed), "team/app", "", 0},
		"nothing fits":          {with(""), "team/app", "", 0},
	} {
		g, err := c.rules.Find(Origin{c.origin, 55}, now)
		if c.secret == "" {
			if !errors.Is(err, ErrUnknown) {
				t.Errorf("%s: got %+v, %v; want ErrUnknown", name, g, err)
			}
			continue
		}
		if err != nil || !slices.Equal(g.Secrets, []string{c.secret}) || g.Entry.ID != seen.ID ||
			g.Entry.Parent != c.parent {
			t.Errorf("%s: got %+v, %v", name, g, err)
		}
	}
}

func TestSecretsAreAllDifferent(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"a/b", "a/c", "b/b", "a/*", "a/b*"} {
		for generation := range int64(3) {
			s := Secret(key, name, generation)
			if len(s) < 40 || strings.Contains(s, "=") {
				t.Errorf("%q is no secret for a form field", s)
			}
			if other, taken := seen[s]; taken {
				t.Errorf("%s and %s have one secret", name, other)
			}
			seen[s] = name
		}
	}
	if Secret(key, "A/B", 0) != Secret(key, "a/b", 0) {
		t.Error("a name in other letters has another secret")
	}
	if Secret([]byte("another key"), "a/b", 0) == Secret(key, "a/b", 0) {
		t.Error("two keys give one secret")
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"o/n", "o/n", true}, {"o/n", "O/N", true}, {"o/n", "o/nn", false}, {"o/n", "o/n/x", false},
		{"o/*", "o/anything", true}, {"o/*", "oo/anything", false}, {"o/*", "o", false},
		{"o/group-*", "o/group-", true}, {"o/group-*", "o/group-12", true}, {"o/group-*", "o/agroup-12", false},
		{"o/*-lab", "o/1-lab", true}, {"o/*-lab", "o/-la", false}, {"o/a*a", "o/a", false}, {"o/a*a", "o/aa", true},
		{"o/a*b*c", "o/a-b-c", true}, {"o/a*b*c", "o/a-c-b", false}, {"o/*", "o/\u212a", false},
	} {
		if got := Matches(c.pattern, c.name); got != c.want {
			t.Errorf("Matches(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
	for pattern, ok := range map[string]bool{
		"o/n": true, "o/group-*": true, "o/*": true, "*/n": false, "o*/n": false, "o": false, "o/": false, "/n": false,
		"o/n/m": false, "o/..": false, "o/n m": false, "": false, "\u00f6/n": false,
	} {
		if err := CheckPattern(pattern); (err == nil) != ok {
			t.Errorf("CheckPattern(%q): %v", pattern, err)
		}
	}
}
