// Package registry decides which repositories may be built and which secret opens which: pure functions over what the
// operator has let in. The rows themselves are the store's.
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
	// Pattern is every repository whose name fits, each with a secret of its own.
	Pattern Kind = "pattern"
	// Organization is every repository whose name fits, by one secret: that of a hook of the whole organization, which
	// only its owners know.
	Organization Kind = "organization"
	// Seen is a repository that a pattern, an organization or the shared secret has let in. It gives no right of its own:
	// it keeps what was learnt of the repository.
	Seen Kind = "seen"
)

// Entry is one line of the registry.
type Entry struct {
	ID         int64
	Kind       Kind
	Name       string // OWNER/NAME or OWNER/PATTERN, as it was written or last seen
	Parent     int64  // of what was seen: the entry that lets it in; 0 for the shared secret
	GitHubID   int64  // as GitHub itself confirmed; 0 while it is not known
	SecretName string // the name that its secret is derived from: the first, also after a renaming; with #2 and so on where another has that
	Generation int64  // how often its secret was changed
	OldUntil   time.Time
	Disabled   bool
	AddedAt    time.Time
	DeliveryAt time.Time // of the last delivery whose signature held
	Limits     Limits    // of the repositories that it lets in, itself among them
}

// Claim is what a delivery says of itself before anything of it is believed.
type Claim struct {
	Name string // OWNER/NAME; of an organization's ping OWNER alone
	ID   int64  // GitHub's id of the repository; 0 when it says none
}

// Grant is what may have signed a delivery that makes a claim.
type Grant struct {
	Entry   Entry // that lets it in; the zero Entry for what the shared secret lets in and that was not seen yet
	Secrets []string
	// Renamed: the entry was found by the repository's id. The delivery counts once GitHub confirms that this id has the
	// claimed name now.
	Renamed bool
}

// MostSecrets is how many secrets a Grant holds at most: the newest, and the one before.
const MostSecrets = 2

// ErrUnknown says that nothing lets a repository in.
var ErrUnknown = errors.New("the repository is not let in")

// Rules are what decides: the entries that a claim may meet, and the shared secret with what it opens.
type Rules struct {
	Key     []byte // the operator's, from which secrets are derived
	Entries []Entry
	Shared  string   // GITHUB_WEBHOOK_SECRET; empty for none
	For     []string // VIVARIUM_REPOSITORIES
}

// Find gives what may have signed a delivery with this claim. A name that stands in the registry is opened by its own
// secret alone: neither a pattern's nor the shared one counts for it.
func (r Rules) Find(c Claim, now time.Time) (Grant, error) {
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

// shared is what the shared secret opens: a repository that it is for, and the ping of a hook of the whole organization.
func (r Rules) shared(name string) (Grant, error) {
	if r.Shared != "" && slices.ContainsFunc(r.For, func(p string) bool { return Matches(p, name) || ownerOf(p, name) }) {
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

// fitting is the pattern that says most: the one with the longest name.
func (r Rules) fitting(name string) (best Entry, found bool) {
	for _, e := range r.Entries {
		if (e.Kind == Pattern || e.Kind == Organization) && (Matches(e.Name, name) || e.Kind == Organization && ownerOf(e.Name, name)) &&
			(!found || len(e.Name) > len(best.Name)) {
			best, found = e, true
		}
	}
	return best, found
}

// hasSecretOf reports whether a repository that was renamed still signs by the secret of this name. Another repository that took
// the name over must not be opened by it: it is let in by itself, which gives it a secret that nobody has yet.
func (r Rules) hasSecretOf(name string) bool {
	return slices.ContainsFunc(r.Entries, func(e Entry) bool {
		return (e.Kind == Repository || e.Kind == Seen) && strings.EqualFold(e.SecretName, name)
	})
}

// ownerOf reports whether name is the owner of a pattern: what an organization's ping names.
func ownerOf(pattern, name string) bool {
	owner, _, _ := strings.Cut(pattern, "/")
	return strings.EqualFold(owner, name)
}

// grant is what opens one repository, which is called name now. What was seen is let in by its parent, as long as that stands.
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
		if p, ok := r.fitting(name); ok { // the operator has gone over from the shared secret
			e.Parent = p.ID
		}
	}
	for _, p := range r.Entries {
		if p.ID == e.Parent && !p.Disabled {
			signer := e // below a pattern each has a secret of its own
			if p.Kind == Organization {
				signer = p
			}
			return Grant{Entry: e, Secrets: r.secrets(signer, e.SecretName, now), Renamed: renamed}, nil
		}
	}
	return Grant{}, ErrUnknown
}

// secrets are those that count now for the repository name, by way of e: the newest, and for a stated time the one before.
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
