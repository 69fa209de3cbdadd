// Package events makes webhook deliveries as GitHub does: an event's payload, its signature and its
// headers, posted to a URL.
package events

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Sign returns the value of X-Hub-Signature-256.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Header returns the headers of a JSON delivery, with a new GUID.
func Header(secret, event string, body []byte) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "GitHub-Hookshot/044aadd")
	h.Set("X-GitHub-Delivery", GUID())
	h.Set("X-GitHub-Event", event)
	h.Set("X-GitHub-Hook-ID", "292430182")
	h.Set("X-Hub-Signature-256", Sign(secret, body))
	return h
}

// Answer is a server's answer to a delivery.
type Answer struct {
	Code int
	Body []byte
	Took time.Duration
}

// Deliver signs a payload and posts it to a webhook's URL, as GitHub does: one try, 10 s.
func Deliver(ctx context.Context, url, secret, event string, payload []byte) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(payload))
	if err != nil {
		return Answer{}, fmt.Errorf("deliver %s event: %w", event, err)
	}
	req.Header = Header(secret, event, payload)
	begin := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("deliver %s event: %w", event, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return Answer{}, fmt.Errorf("deliver %s event: read answer: %w", event, err)
	}
	return Answer{Code: resp.StatusCode, Body: body, Took: time.Since(begin)}, nil
}

// GUID makes the id of a delivery.
func GUID() string {
	var b [16]byte
	rand.Read(b[:])
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
