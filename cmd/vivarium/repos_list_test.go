package main

import (
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/outbox"
)

func TestRemarkSaysWhatTheTokenMayNotDo(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	refused := func(code int, message string) outbox.RepoStatus {
		return outbox.RepoStatus{Refusal: (&pipeline.RefusedError{Code: code, Message: message}).Error(), Code: code}
	}
	for name, c := range map[string]struct {
		entry  registry.Entry
		status outbox.RepoStatus
		want   string
	}{
		"nothing to say": {registry.Entry{}, outbox.RepoStatus{State: "success", SentAt: now}, ""},
		"closed":         {registry.Entry{Disabled: true}, refused(403, "no"), "closed"},
		"no permission": {registry.Entry{}, refused(403, "Resource not accessible"),
			"GITHUB_TOKEN may not set its statuses: GitHub answered 403: Resource not accessible"},
		"not seen": {registry.Entry{}, refused(404, "Not Found"),
			"GITHUB_TOKEN may not set its statuses, or does not see it: GitHub answered 404: Not Found"},
		"no such token": {registry.Entry{}, refused(401, "Bad credentials"),
			"GITHUB_TOKEN is wrong or has expired: GitHub answered 401: Bad credentials"},
		"no such commit": {registry.Entry{}, refused(422, "No commit found"),
			"GitHub refused a status: GitHub answered 422: No commit found"},
	} {
		if got := remark(c.entry, c.status, now); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
