package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"vivarium/server/api"
	"vivarium/server/github/githubtest/events"
)

// Push delivers a signed push of a commit and gives the id of its build.
func (s *Server) Push(ctx context.Context, p events.Push) (id string, err error) {
	answer, err := events.Deliver(ctx, s.URL+"/webhook", WebhookSecret, "push", p.Payload())
	if err != nil {
		return "", err
	}
	var body struct{ Build, Message string }
	if err := json.Unmarshal(answer.Body, &body); err != nil || answer.Code != http.StatusAccepted || body.Build == "" {
		return "", fmt.Errorf("deliver push: the server answered %d: %s", answer.Code, answer.Body)
	}
	return body.Build, nil
}

// BuildURL is the build's page.
func (s *Server) BuildURL(id string) string { return s.URL + "/logs/" + id }

// Build reads a build.
func (s *Server) Build(ctx context.Context, id string) (api.Build, error) {
	body, err := s.get(ctx, s.BuildURL(id), "application/json")
	if err != nil {
		return api.Build{}, fmt.Errorf("read build %s: %w", id, err)
	}
	defer body.Close()
	var b api.Build
	if err := json.NewDecoder(body).Decode(&b); err != nil {
		return api.Build{}, fmt.Errorf("read build %s: %w", id, err)
	}
	return b, nil
}

// Follow copies the build's log to w as it grows, until the build ends.
func (s *Server) Follow(ctx context.Context, id string, w io.Writer) error {
	return s.copyLog(ctx, id, "/raw?follow=1", w)
}

// Read copies what is stored of the build's log to w.
func (s *Server) Read(ctx context.Context, id string, w io.Writer) error {
	return s.copyLog(ctx, id, "/raw", w)
}

func (s *Server) copyLog(ctx context.Context, id, path string, w io.Writer) error {
	body, err := s.get(ctx, s.BuildURL(id)+path, "text/plain")
	if err != nil {
		return fmt.Errorf("read the log of build %s: %w", id, err)
	}
	defer body.Close()
	if _, err := io.Copy(w, body); err != nil {
		return fmt.Errorf("read the log of build %s: %w", id, err)
	}
	return nil
}

// Events opens the build's log as server-sent events.
func (s *Server) Events(ctx context.Context, id string) (io.ReadCloser, error) {
	body, err := s.get(ctx, s.BuildURL(id)+"/events", "text/event-stream")
	if err != nil {
		return nil, fmt.Errorf("open the events of build %s: %w", id, err)
	}
	return body, nil
}

func (s *Server) get(ctx context.Context, url, accept string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return nil, fmt.Errorf("the server answered %d: %s", resp.StatusCode, text)
	}
	return resp.Body, nil
}
