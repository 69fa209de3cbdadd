// Package registry decides which repositories may be built and which secret opens which repository.
// Its functions are pure: they work on what the operator has let in. The store keeps the rows.
package registry

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Kind is what an entry lets in.
type Kind string

const (
	// Repository is one repository, with a secret of its own.
	Repository Kind = "repository"
	// Pattern is every repository whose name matches, each with a secret of its own.
	Pattern Kind = "pattern"
	// Organization is every repository whose name matches, by one secret: that of a hook of the
	// whole organization, which only its owners know.
	Organization Kind = "organization"
	// Seen is a repository that a pattern, an organization or the shared secret has let in. It
	// grants nothing by itself: it keeps what was learnt about the repository.
	Seen Kind = "seen"
)

// Entry is one line of the registry.
type Entry struct {
	ID       int64
	Kind     Kind
	Name     string // OWNER/NAME or OWNER/PATTERN, as it was written or last seen
	Parent   int64  // of a Seen entry: the entry that lets it in; 0 for the shared secret
	GitHubID int64  // as GitHub itself confirmed; 0 while not known
	// SecretName is the name from which the secret is derived: the repository's first name, even
	// after a renaming. #2 and so on follows where another entry has that name.
	SecretName string
	Generation int64 // how often the secret was changed
	OldUntil   time.Time
	Disabled   bool
	AddedAt    time.Time
	DeliveryAt time.Time // of the last delivery whose signature held
	Limits     Limits    // of the repositories that the entry lets in, its own included
	// Fixed is what the operator fixes of their builds, as it was written (pipeline/fixed); empty where
	// the entry says nothing of it.
	Fixed string
	App   bool // a GitHub App sees the repository, by what it delivered
}

// Origin is whose a delivery says it is, before any of it is believed.
type Origin struct {
	Name string // OWNER/NAME; only OWNER for an organization's ping
	ID   int64  // GitHub's id of the repository; 0 when it says none
}

// Grant is what may have signed a delivery of a given origin.
type Grant struct {
	// Entry lets the repository in. It is zero for a repository that the shared secret lets in and
	// that was not seen yet.
	Entry   Entry
	Secrets []string
	// Renamed says that the entry was found by the repository's id. The delivery counts only once
	// GitHub confirms that the repository of this id has the claimed name now.
	Renamed bool
	// App is the App's secret, where it counts besides; empty: it does not.
	App string
}

// MostSecrets is how many secrets a Grant holds at most: the newest, and the one before.
const MostSecrets = 2

// ErrUnknown says that nothing lets a repository in.
var ErrUnknown = errors.New("the repository is not let in")

// Rules are what decides: the entries that an origin may meet, and the shared secret with the
// repositories that it opens.
type Rules struct {
	Key     []byte // the operator's key, from which secrets are derived
	Entries []Entry
	Shared  string   // GITHUB_WEBHOOK_SECRET; empty for none
	For     []string // VIVARIUM_REPOSITORIES
	App     string   // VIVARIUM_GITHUB_APP_WEBHOOK_SECRET; empty for none
}

// Find returns what may have signed a delivery of this origin. Only its own secret opens a
// repository that was added by itself: neither a pattern's secret nor the shared one counts for it.
//
// The App's secret opens all that is let in, and lets nothing in by itself: none but GitHub and the
// operator has it, while a hook's secret is known to whoever manages the hook. It also opens what
// names no repository, by which GitHub tells of the App's installations.
func (r Rules) Find(c Origin, now time.Time) (Grant, error) {
	g, err := r.find(c, now)
	if r.App == "" || err != nil && strings.Contains(c.Name, "/") {
		return g, err
	}
	g.App = r.App
	return g, nil
}

func (r Rules) find(c Origin, now time.Time) (Grant, error) {
	if e, ok := r.named(c.Name); ok {
		return r.grant(e, c.Name, false, now)
	}
	if e, ok := r.numbered(c.ID); ok {
		return r.grant(e, c.Name, true, now)
	}
	if e, ok := r.fitting(c.Name); ok {
		if e.Disabled || e.Kind == Pattern && r.hasSecretOf(c.Name) {
			return Grant{}, ErrUnknown
		}
		return Grant{Entry: e, Secrets: r.secrets(e, c.Name, now)}, nil
	}
	return r.shared(c.Name)
}

// shared is what the shared secret opens: the repositories that it is for, and the ping of a hook
// of the whole organization.
func (r Rules) shared(name string) (Grant, error) {
	if r.Shared != "" && slices.ContainsFunc(r.For,
		func(p string) bool { return Matches(p, name) || ownerOf(p, name) }) {
		return Grant{Secrets: []string{r.Shared}}, nil
	}
	return Grant{}, ErrUnknown
}

// named is the entry of one repository, which was added or seen.
func (r Rules) named(name string) (Entry, bool) {
	for _, e := range r.Entries {
		if (e.Kind == Repository || e.Kind == Seen) && strings.EqualFold(e.Name, name) {
			return e, true
		}
	}
	return Entry{}, false
}

func (r Rules) numbered(id int64) (Entry, bool) {
	for _, e := range r.Entries {
		if (e.Kind == Repository || e.Kind == Seen) && id != 0 && e.GitHubID == id {
			return e, true
		}
	}
	return Entry{}, false
}

// fitting is the most specific pattern that matches: the one with the longest name.
func (r Rules) fitting(name string) (best Entry, found bool) {
	for _, e := range r.Entries {
		if (e.Kind == Pattern || e.Kind == Organization) &&
			(Matches(e.Name, name) || e.Kind == Organization && ownerOf(e.Name, name)) &&
			(!found || len(e.Name) > len(best.Name)) {
			best, found = e, true
		}
	}
	return best, found
}

// hasSecretOf reports whether a renamed repository still signs by the secret of this name. Another
// repository that took over the name must not be opened by that secret: once it is let in by
// itself, it gets a secret that nobody has yet.
func (r Rules) hasSecretOf(name string) bool {
	return slices.ContainsFunc(r.Entries, func(e Entry) bool {
		return (e.Kind == Repository || e.Kind == Seen) && strings.EqualFold(e.SecretName, name)
	})
}

// ownerOf reports whether name is the owner in a pattern: an organization's ping names only the
// owner.
func ownerOf(pattern, name string) bool {
	owner, _, _ := strings.Cut(pattern, "/")
	return strings.EqualFold(owner, name)
}

// grant is what opens one repository, which is now called name. A Seen entry is let in by its
// parent, as long as that exists.
func (r Rules) grant(e Entry, name string, renamed bool, now time.Time) (Grant, error) {
	if e.Disabled {
		return Grant{}, ErrUnknown
	}
	if e.Kind == Repository {
		return Grant{Entry: e, Secrets: r.secrets(e, e.SecretName, now), Renamed: renamed}, nil
	}
	if e.Parent == 0 {
		if g, err := r.shared(name); err == nil {
			g.Entry, g.Renamed = e, renamed
			return g, nil
		}
		if p, ok := r.fitting(name); ok { // the operator has moved on from the shared secret
			e.Parent = p.ID
		}
	}
	for _, p := range r.Entries {
		if p.ID == e.Parent && !p.Disabled {
			signer := e // below a pattern each repository has a secret of its own
			if p.Kind == Organization {
				signer = p
			}
			return Grant{Entry: e, Secrets: r.secrets(signer, e.SecretName, now), Renamed: renamed}, nil
		}
	}
	return Grant{}, ErrUnknown
}

// secrets are the secrets by which entry e now opens the repository name: the newest and, until
// e.OldUntil, the one before.
func (r Rules) secrets(e Entry, name string, now time.Time) []string {
	if e.Kind == Organization {
		name = e.SecretName
	}
	all := []string{Secret(r.Key, name, e.Generation)}
	if e.Generation > 0 && now.Before(e.OldUntil) {
		all = append(all, Secret(r.Key, name, e.Generation-1))
	}
	return all
}
