// Package github speaks with GitHub: it verifies and reads webhook deliveries, and sets and reads commit statuses.
package github

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"vivarium/pipeline"
)

// STUB: contract only; the owner of this package replaces the bodies and splits the file.

// Config for New.
type Config struct {
	APIURL string // GITHUB_API_URL, complete as it is
	Token  string
}

// Client implements store.Poster.
type Client struct{}

// New makes a client.
func New(c Config) (*Client, error) { panic("contract") }

func (c *Client) Post(ctx context.Context, st pipeline.CommitStatus) error { panic("contract") }
func (c *Client) Read(ctx context.Context, repo, sha, statusContext string) (pipeline.CommitStatus, error) {
	panic("contract")
}

// Statuses lists what GitHub holds for a ref, newest first, every context (for `vivarium builds status`).
func (c *Client) Statuses(ctx context.Context, repo, ref string) ([]pipeline.CommitStatus, error) {
	panic("contract")
}

// TokenInfo says what a token may do, as far as GitHub tells.
type TokenInfo struct {
	Login   string
	Kind    string // classic, fine-grained, installation or unknown
	Scopes  []string
	Expires string
}

// Token asks GitHub about the configured token.
func (c *Client) Token(ctx context.Context) (TokenInfo, error) { panic("contract") }

// CloneURL is where a repository is fetched from: built from server (GITHUB_SERVER_URL) and the full name only.
// The full name is checked against GitHub's own rules.
func CloneURL(server *url.URL, fullName string) (*url.URL, error) { panic("contract") }

// Errors of ReadDelivery. The server maps them to 401, 400 and 415.
var (
	ErrSignature = errors.New("the signature is missing or wrong")
	ErrMalformed = errors.New("the payload cannot be read")
	ErrMediaType = errors.New("the content type is neither JSON nor form")
)

// Delivery is a webhook delivery whose signature held.
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

// ReadDelivery checks the signature over the raw body first, in constant time, and only then reads it.
func ReadDelivery(h http.Header, body []byte, secret string) (Delivery, error) { panic("contract") }
