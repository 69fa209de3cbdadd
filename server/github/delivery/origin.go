package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"vivarium/server/github/names"
)

// Origin is whose a delivery says it is, before any of it is believed. It only tells whose
// secret must have signed the delivery.
type Origin struct {
	Repository string // OWNER/NAME; empty when no repository is named
	ID         int64  // of the repository
	Owner      string // the organization, when no repository is named
}

// maxOrigin bounds a text or number of an origin, in bytes as written: the longest full name has 140
// characters, each of which may be an escape of six bytes.
const maxOrigin = 1024

// maxOrganization bounds the object from which an organization is read, in bytes. GitHub's have
// some 1500.
const maxOrganization = 64 << 10

// findOrigin finds out whose an unsigned payload says it is. It skips what it does not need byte by
// byte, keeps nothing of it, and ends as soon as it knows the answer, so that it costs about as
// much as the signature's hash. It does not check whether the rest is JSON: readOrigin does that
// once the signature held, and both must give the same origin.
func findOrigin(payload []byte) (Origin, error) {
	s := scanner{text: payload}
	c, err := s.origin()
	if err != nil {
		return Origin{}, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	return c, c.check()
}

// readOrigin reads the origin of a payload whose signature held, in the only way in which it can be
// parsed.
func readOrigin(payload []byte) (Origin, error) {
	if err := checkJSON(payload); err != nil {
		return Origin{}, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	var said struct {
		Repository *struct {
			FullName string `json:"full_name"`
			ID       int64  `json:"id"`
		} `json:"repository"`
		Organization json.RawMessage `json:"organization"`
	}
	if err := json.Unmarshal(payload, &said); err != nil {
		return Origin{}, fmt.Errorf("%w: it does not say whose it is: %v", ErrMalformed, err)
	}
	if said.Repository != nil {
		return Origin{Repository: said.Repository.FullName, ID: said.Repository.ID}, nil
	}
	owner, err := ownerIn(said.Organization)
	if err != nil {
		return Origin{}, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	return Origin{Owner: owner}, nil
}

// ownerIn is the account name of an organization, given the object as written. It counts only where
// no repository is named.
func ownerIn(organization []byte) (string, error) {
	var said *struct {
		Login string `json:"login"`
	}
	switch {
	case len(organization) == 0:
		return "", nil
	case len(organization) > maxOrganization || json.Unmarshal(organization, &said) != nil:
		return "", errNoAccount
	case said == nil:
		return "", nil
	case !names.ValidOwner(said.Login):
		return "", fmt.Errorf("organization.login %.80q is not the name of an account", said.Login)
	}
	return said.Login, nil
}

// check refuses names that GitHub gives nobody.
func (c Origin) check() error {
	if c.Repository != "" {
		if _, _, err := names.SplitFullName(c.Repository); err != nil {
			return fmt.Errorf("%w: repository.full_name: %v", ErrMalformed, err)
		}
	}
	return nil
}

var (
	errNoObject  = errors.New("it is not a JSON object")
	errCutShort  = errors.New("it ends in the middle")
	errTooDeep   = fmt.Errorf("it is more than %d deep", maxDepth)
	errTooMany   = fmt.Errorf("an object has more than %d members", maxMembers)
	errNoName    = errors.New("repository.full_name is not the full name of a GitHub repository: want OWNER/NAME")
	errNoAccount = errors.New("organization.login is not the name of an account")
)

// origin reads the payload's members as far as its repository.
func (s *scanner) origin() (c Origin, err error) {
	if s.next() != '{' {
		return c, errNoObject
	}
	var organization []byte
	err = s.members(func(name []byte) (done bool, err error) {
		switch {
		case isName(name, "repository") && s.next() != 'n': // the n of null
			c.Repository, c.ID, err = s.repository()
			return true, err
		case isName(name, "organization"):
			organization, err = s.value()
			return false, err
		}
		return false, s.skip()
	})
	if err == nil && c.Repository == "" {
		c.Owner, err = ownerIn(organization)
	}
	return c, err
}

// repository reads the next value, an object, as far as its name and its id.
func (s *scanner) repository() (fullName string, id int64, err error) {
	hasName, hasID := false, false
	if s.next() != '{' {
		return "", 0, errors.New("it does not say whose it is: repository is not an object")
	}
	err = s.members(func(name []byte) (done bool, err error) {
		switch {
		case isName(name, "full_name") && !hasName:
			hasName = true
			fullName, err = s.short()
		case isName(name, "id") && !hasID:
			hasID = true
			id, err = s.number()
		default:
			err = s.skip()
		}
		return hasName && hasID, err
	})
	if err == nil && fullName == "" {
		err = errNoName
	}
	return fullName, id, err
}

// short reads a text that may be a value of an origin; null is the empty text.
func (s *scanner) short() (text string, err error) {
	raw, err := s.value()
	if err != nil {
		return "", err
	}
	if len(raw) > maxOrigin || json.Unmarshal(raw, &text) != nil {
		return "", fmt.Errorf("it does not say whose it is: %.80q is not a name", raw[:min(len(raw), maxOrigin)])
	}
	return text, nil
}

// number reads a whole number; null is 0.
func (s *scanner) number() (int64, error) {
	raw, err := s.value()
	if err != nil || string(raw) == "null" {
		return 0, err
	}
	n, err := strconv.ParseInt(string(raw[:min(len(raw), maxOrigin)]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("it does not say whose it is: repository.id %.80q is not a whole number",
			raw[:min(len(raw), maxOrigin)])
	}
	return n, nil
}

// isName reports whether a member's name, given as written, is the wanted one. It compares as
// encoding/json does: without regard to case. A name that is longer than any way to write the
// wanted one is another name.
func isName(raw []byte, want string) bool {
	if len(raw) > 6*len(want)+2 {
		return false
	}
	if !bytes.ContainsRune(raw, '\\') {
		return strings.EqualFold(string(raw[1:len(raw)-1]), want)
	}
	var name string
	return json.Unmarshal(raw, &name) == nil && strings.EqualFold(name, want)
}
