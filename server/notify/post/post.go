// Package post brings messages to their targets: over HTTP in each service's form, and by e-mail.
package post

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"vivarium/server/notify"
)

// timeout bounds one message.
const timeout = 20 * time.Second

// Poster brings messages. Targets are the operator's own, so any address will do, also one in a
// private network; but no answer leads elsewhere.
type Poster struct {
	Secret  string // webhooks are signed by it
	Mail    Mail
	Version string // of Vivarium

	client http.Client
}

// New makes a Poster.
func New(secret string, m Mail, version string) *Poster {
	return &Poster{Secret: secret, Mail: m, Version: version, client: http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Send brings one message. key names it: a target that sees a key again knows that it is the same.
// Errors are *notify.RefusedError and *notify.LaterError; they hold nothing of the target's address.
func (p *Poster) Send(ctx context.Context, t notify.Target, m notify.Message, key string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if t.Kind == notify.Email {
		return p.Mail.send(ctx, t.Address, m, key)
	}
	body, err := m.Body(t.Kind)
	if err != nil {
		return &notify.RefusedError{Why: err.Error()}
	}
	req, err := p.request(ctx, t, body, key)
	if err != nil {
		return &notify.RefusedError{Why: "its address is not one that can be asked"}
	}
	resp, err := p.client.Do(req)
	if err != nil {
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			err = inner.Err // without the address
		}
		return &notify.LaterError{Why: "no answer: " + err.Error()}
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection serves again
	return judge(resp, time.Now())
}

func (p *Poster) request(ctx context.Context, t notify.Target, body []byte, key string) (*http.Request, error) {
	method, address := http.MethodPost, t.URL
	if t.Kind == notify.Matrix { // spec.matrix.org, "PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}"
		method = http.MethodPut
		address += "/_matrix/client/v3/rooms/" + url.PathEscape(t.Room) + "/send/m.room.message/" + url.PathEscape(key)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Vivarium/"+p.Version)
	switch t.Kind {
	case notify.Matrix:
		req.Header.Set("Authorization", "Bearer "+t.Token)
	case notify.Webhook:
		req.Header.Set("X-Vivarium-Event", "branch")
		req.Header.Set("X-Vivarium-Delivery", key)
		if p.Secret != "" {
			mac := hmac.New(sha256.New, []byte(p.Secret))
			mac.Write(body)
			req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		}
	}
	return req, nil
}

// judge says what an answer means.
func judge(resp *http.Response, now time.Time) error {
	code := resp.StatusCode
	why := fmt.Sprintf("it answered %d %s", code, http.StatusText(code))
	switch {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		later := &notify.LaterError{Why: why}
		if seconds, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 16); err == nil {
			later.At = now.Add(time.Duration(seconds) * time.Second)
		}
		return later
	case code >= 300 && code < 400:
		return &notify.RefusedError{Why: why + ", which leads elsewhere and is not followed: correct VIVARIUM_NOTIFY"}
	}
	return &notify.RefusedError{Why: why + ": correct VIVARIUM_NOTIFY"}
}
