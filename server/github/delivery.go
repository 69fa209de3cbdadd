package github

import (
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

	"vivarium/pipeline"
)

// Errors of ReadDelivery. The server maps them to 401, 400 and 415.
var (
	ErrSignature = errors.New("the signature is missing or wrong")
	ErrMalformed = errors.New("the payload cannot be read")
	ErrMediaType = errors.New("the content type is neither JSON nor form")
)

// Delivery is a webhook delivery whose signature held. The signature covers the body,
// not the headers: GUID and Event are the sender's word.
type Delivery struct {
	GUID     string // X-GitHub-Delivery
	BodyHash string // hex SHA-256 of the raw body
	Event    string // X-GitHub-Event
	Push     *Push  // set when a build is wanted
	Ignored  string // otherwise: why nothing is built, for the answer's message
}

// Push is what a push event says, checked.
type Push struct {
	Repo    pipeline.Repository
	Ref     string
	SHA     string
	Author  string
	Message string // first line
}

var (
	guidPattern  = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)
	eventPattern = regexp.MustCompile(`^[a-z_]{1,64}$`)
)

// ReadDelivery checks the signature over the raw body first, in constant time, and only then reads it.
func ReadDelivery(h http.Header, body []byte, secret string) (Delivery, error) {
	if err := checkSignature(h, body, secret); err != nil {
		return Delivery{}, err
	}
	payload, err := payloadOf(h, body)
	if err != nil {
		return Delivery{}, err
	}
	sum := sha256.Sum256(body)
	d := Delivery{BodyHash: hex.EncodeToString(sum[:])}
	if d.GUID, err = header(h, "X-GitHub-Delivery", guidPattern); err != nil {
		return Delivery{}, err
	}
	if d.Event, err = header(h, "X-GitHub-Event", eventPattern); err != nil {
		return Delivery{}, err
	}
	if err := checkJSON(payload); err != nil {
		return Delivery{}, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	switch d.Event {
	case "push":
		d.Push, d.Ignored, err = readPush(payload)
	case "ping":
		d.Ignored = "ping received: the webhook works, and pushes will be built"
	default:
		d.Ignored = fmt.Sprintf("%s events are not built, only push events are", d.Event)
	}
	if err != nil {
		return Delivery{}, err
	}
	return d, nil
}

// checkSignature accepts X-Hub-Signature-256 alone: the older header is SHA-1. An
// empty secret would let anybody sign, so it refuses everything.
func checkSignature(h http.Header, body []byte, secret string) error {
	if secret == "" {
		return fmt.Errorf("%w: this server has no webhook secret: set GITHUB_WEBHOOK_SECRET", ErrSignature)
	}
	got, err := signature(h)
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	if !hmac.Equal(got, mac.Sum(nil)) {
		return fmt.Errorf("%w: the webhook on GitHub and this server hold different secrets", ErrSignature)
	}
	return nil
}

// CheckSigned refuses a delivery that carries no signature in the right form, before any of
// its body is read. Whether the signature holds, ReadDelivery tells.
func CheckSigned(h http.Header) error {
	_, err := signature(h)
	return err
}

func signature(h http.Header) ([]byte, error) {
	values := h.Values("X-Hub-Signature-256")
	if len(values) != 1 {
		return nil, fmt.Errorf("%w: want X-Hub-Signature-256 once: give the webhook on GitHub the same secret as this server", ErrSignature)
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
		form, err := url.ParseQuery(string(body))
		if err != nil || len(form["payload"]) != 1 {
			return nil, fmt.Errorf("%w: want one form field named payload", ErrMalformed)
		}
		return []byte(form.Get("payload")), nil
	}
	return nil, ErrMediaType
}

// header gives the value of a header that must be there once and match.
func header(h http.Header, name string, pattern *regexp.Regexp) (string, error) {
	values := h.Values(name)
	if len(values) != 1 || !pattern.MatchString(values[0]) {
		return "", fmt.Errorf("%w: the header %s is missing or not as GitHub sends it", ErrMalformed, name)
	}
	return values[0], nil
}
