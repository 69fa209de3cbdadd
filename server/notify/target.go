package notify

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"

	"vivarium/server/registry"
)

// Kind is in which form a target is told.
type Kind string

const (
	Email   Kind = "mailto"
	Webhook Kind = "webhook" // signed as GitHub signs its deliveries
	Slack   Kind = "slack"
	Discord Kind = "discord"
	Teams   Kind = "teams"
	Matrix  Kind = "matrix"
)

// Target is who is told of which repositories.
type Target struct {
	Kind    Kind
	Pattern string // OWNER/NAME or OWNER/PATTERN; empty: of all
	Address string // of an e-mail
	URL     string // of anything else: it may be all that it takes to write there, and is shown to nobody
	Room    string // Matrix's
	Token   string // Matrix's
}

// Takes reports whether the target is told of a repository.
func (t Target) Takes(repo string) bool {
	return t.Pattern == "" || registry.Matches(t.Pattern, repo)
}

// Name tells targets apart without what they hide: the kind, and for which repositories.
func (t Target) Name() string {
	name := string(t.Kind)
	if t.Kind == Email {
		name = t.Address
	}
	if t.Pattern != "" {
		name += " for " + t.Pattern
	}
	return name
}

// ErrTarget says what a target looks like. It shows nothing of what was given, which may be a secret.
var ErrTarget = errors.New("it must be [OWNER/PATTERN=]TARGET, TARGET being mailto:NAME@HOST, webhook+https://…, " +
	"slack+https://…, discord+https://…, teams+https://… or matrix+https://TOKEN@HOST/ROOM")

// Parse reads targets that stand apart by commas or white space.
func Parse(text string) ([]Target, error) {
	var all []Target
	names := map[string]int{}
	for one := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r <= ' ' }) {
		t, err := parseOne(one)
		if err != nil {
			return nil, fmt.Errorf("target %d: %w", len(all)+1, err)
		}
		if names[t.Name()]++; names[t.Name()] > 1 {
			return nil, fmt.Errorf("target %d: there is one of its kind and pattern already", len(all)+1)
		}
		all = append(all, t)
	}
	return all, nil
}

func parseOne(text string) (t Target, err error) {
	if pattern, rest, ok := strings.Cut(text, "="); ok && registry.CheckPattern(pattern) == nil {
		t.Pattern, text = pattern, rest
	}
	if address, ok := strings.CutPrefix(text, "mailto:"); ok {
		a, err := mail.ParseAddress(address)
		if err != nil || a.Address != address {
			return t, ErrTarget
		}
		t.Kind, t.Address = Email, address
		return t, nil
	}
	kind, address, _ := strings.Cut(text, "+")
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return t, ErrTarget
	}
	switch t.Kind = Kind(kind); t.Kind {
	case Webhook, Slack, Discord, Teams:
		if u.User != nil {
			return t, ErrTarget
		}
		t.URL = address
	case Matrix:
		t.Token, t.Room = u.User.Username(), strings.TrimPrefix(u.Path, "/")
		if t.Token == "" || t.Room == "" || u.RawQuery != "" {
			return t, ErrTarget
		}
		t.URL = u.Scheme + "://" + u.Host
	default:
		return t, ErrTarget
	}
	return t, nil
}
