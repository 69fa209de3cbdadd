// Package delivery reads GitHub's webhook deliveries: it verifies who has signed one, and only then
// believes what it says.
package delivery

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"vivarium/pipeline"
)

// Errors of Read and Verify. The server maps them to 401, 400 and 415.
var (
	ErrSignature = errors.New("the signature is missing or wrong")
	ErrMalformed = errors.New("the payload cannot be read")
	ErrMediaType = errors.New("the content type is neither JSON nor form")
)

// Verified is a webhook delivery whose signature held. The signature covers the body, not the
// headers: GUID and Event are unproven.
type Verified struct {
	Origin   Origin   // whose it is
	GUID     string   // X-GitHub-Delivery
	BodyHash string   // hex SHA-256 of the raw body
	Event    string   // X-GitHub-Event
	Private  bool     // the delivery says that its repository is private, or gone
	Audit    string   // what has become of the repository, before its name in the audit; mostly empty
	Signer   int      // which of Verify's secrets has signed it
	Push     *Push    // set when something may be to be built
	Pull     *Pull    // set when a pull request is to be built, or was closed
	Comment  *Comment // set when somebody has just commented on a pull request
	Ignored  string   // otherwise: why nothing is built, for the answer's message
	// Installed is set where GitHub tells of an installation of an App. It counts only where the App's
	// secret has signed it.
	Installed *Installed
	// Asked is set where somebody asks for something by a button of a check. It counts in the same way.
	Asked *Asked

	read *Unverified // it was read from this
}

// Push is what a push event says, checked.
type Push struct {
	Repo    pipeline.Repository
	Ref     pipeline.Ref
	SHA     string
	Before  string    // the commit that the branch was at; empty where there was none, as for a new branch
	At      time.Time // when GitHub received it, to the second; zero when the event does not say so
	Author  string
	Message string // first line
	Marker  string // by what its whole message says that it is not to be built, as wanted.Marker; empty: nothing
	// Bare says that the branch was created without commits of its own. It is built only if its
	// commit was not built before.
	Bare bool
}

var (
	guidPattern  = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)
	eventPattern = regexp.MustCompile(`^[a-z_]{1,64}$`)
)

// Unverified is a delivery before its signature is checked. Only its origin can be seen.
type Unverified struct {
	Origin Origin // tells whose secret must have signed it

	header              http.Header
	sent, body, payload []byte // sent is the signature
}

// Read reads whose a delivery says it is, and believes nothing else of it.
func Read(h http.Header, body []byte) (Unverified, error) {
	sent, err := signature(h)
	if err != nil {
		return Unverified{}, err
	}
	payload, err := payloadOf(h, body)
	if err != nil {
		return Unverified{}, err
	}
	origin, err := findOrigin(payload)
	if err != nil {
		return Unverified{}, err
	}
	return Unverified{Origin: origin, header: h, sent: sent, body: body, payload: payload}, nil
}

// Verify checks in constant time that one of the secrets has signed the raw body, and only then
// believes the payload. It accepts a payload only if there is just one way to parse it, so that
// its origin is what is built: it refuses two members of one name before anything else.
func (u Unverified) Verify(secrets []string) (Verified, error) {
	signer, err := checkSignature(u.sent, u.body, secrets)
	if err != nil {
		return Verified{}, err
	}
	origin, err := readOrigin(u.payload)
	if err != nil {
		return Verified{}, err
	}
	if origin != u.Origin {
		return Verified{}, fmt.Errorf("%w: it can be read as the delivery of two different repositories", ErrMalformed)
	}
	d, err := u.read()
	d.Signer = signer
	return d, err
}

// read parses a delivery whose signature held.
func (u Unverified) read() (d Verified, err error) {
	sum := sha256.Sum256(u.body)
	d.read = &u
	d.Origin, d.BodyHash = u.Origin, hex.EncodeToString(sum[:])
	if d.GUID, err = header(u.header, "X-GitHub-Delivery", guidPattern); err != nil {
		return Verified{}, err
	}
	if d.Event, err = header(u.header, "X-GitHub-Event", eventPattern); err != nil {
		return Verified{}, err
	}
	d.Private = saysPrivate(u.payload)
	switch d.Event {
	case "push":
		d.Push, d.Ignored, err = readPush(u.payload)
	case "installation", "installation_repositories",
		"integration_installation", "integration_installation_repositories": // as older Enterprise Servers name them
		d.Installed, d.Ignored = readInstalled(u.payload)
	case "check_run", "check_suite":
		d.Asked, d.Ignored = readAsked(u.payload)
	case "pull_request":
		d.Pull, d.Ignored, err = readPull(u.payload)
	case "issue_comment":
		d.Comment, d.Ignored, err = readComment(u.payload)
	case "ping":
		d.Ignored = pinged(u.payload)
	default:
		d.Ignored = fmt.Sprintf("%s events are not built, only pushes and pull requests are", d.Event)
	}
	if c := readChange(d.Event, u.payload); c.answer != "" {
		d.Audit, d.Ignored, d.Private = c.audit, c.answer, d.Private || c.hides
	} else if d.Event == "repository" && d.Private {
		d.Ignored = ofRepository["privatized"].answer
	}
	if err != nil {
		return Verified{}, err
	}
	if d.Push != nil && d.Push.Repo.FullName != u.Origin.Repository ||
		d.Pull != nil && d.Pull.Repo.FullName != u.Origin.Repository ||
		d.Comment != nil && d.Comment.Repo.FullName != u.Origin.Repository {
		return Verified{}, fmt.Errorf("%w: its event names another repository than its origin", ErrMalformed)
	}
	return d, nil
}

// checkSignature says which secret has signed. It compares with every secret, even after one has
// matched. An empty secret would let anybody sign, so it never matches.
func checkSignature(sent, body []byte, secrets []string) (signer int, err error) {
	signer = -1
	for i, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		if hmac.Equal(sent, mac.Sum(nil)) && secret != "" {
			signer = i
		}
	}
	if signer < 0 {
		return 0, fmt.Errorf("%w: the webhook on GitHub and this server hold different secrets", ErrSignature)
	}
	return signer, nil
}

// CheckSigned refuses a delivery that carries no well-formed signature, before any of its body is
// read. Verify checks whether the signature holds.
func CheckSigned(h http.Header) error {
	_, err := signature(h)
	return err
}

// signature accepts only X-Hub-Signature-256: the older header is SHA-1.
func signature(h http.Header) ([]byte, error) {
	values := h.Values("X-Hub-Signature-256")
	if len(values) != 1 {
		return nil, fmt.Errorf("%w: want X-Hub-Signature-256 once: give the webhook on GitHub "+
			"the same secret as this server", ErrSignature)
	}
	digits, ok := strings.CutPrefix(values[0], "sha256=")
	sum, err := hex.DecodeString(digits)
	if !ok || err != nil || len(sum) != sha256.Size {
		return nil, fmt.Errorf("%w: X-Hub-Signature-256 must be sha256= and 64 hexadecimal digits", ErrSignature)
	}
	return sum, nil
}

// payloadOf takes the JSON out of the body by its content type.
func payloadOf(h http.Header, body []byte) ([]byte, error) {
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return nil, ErrMediaType
	}
	mediaType, _, err := mime.ParseMediaType(values[0])
	if err != nil {
		return nil, ErrMediaType
	}
	switch mediaType {
	case "application/json":
		return body, nil
	case "application/x-www-form-urlencoded":
		return formPayload(body)
	}
	return nil, ErrMediaType
}

// formPayload takes the JSON out of a form with one field, which is what GitHub sends. It does not
// even parse a form with more fields, since nobody has signed the body yet.
func formPayload(body []byte) ([]byte, error) {
	value, found := bytes.CutPrefix(body, []byte("payload="))
	if !found || bytes.ContainsAny(value, "&;") {
		return nil, fmt.Errorf("%w: want one form field named payload", ErrMalformed)
	}
	payload, err := url.QueryUnescape(string(value))
	if err != nil {
		return nil, fmt.Errorf("%w: want one form field named payload", ErrMalformed)
	}
	return []byte(payload), nil
}

// header returns the value of a header that must be there exactly once and match.
func header(h http.Header, name string, pattern *regexp.Regexp) (string, error) {
	values := h.Values(name)
	if len(values) != 1 || !pattern.MatchString(values[0]) {
		return "", fmt.Errorf("%w: the header %s is missing or not as GitHub sends it", ErrMalformed, name)
	}
	return values[0], nil
}
