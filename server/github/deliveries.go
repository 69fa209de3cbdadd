package github

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vivarium/pipeline"

	gh "github.com/google/go-github/v60/github"
)

// Delivered is one attempt of GitHub's to deliver an event to a webhook.
type Delivered struct {
	ID    int64
	GUID  string // of the event: that of all attempts at it
	At    time.Time
	OK    bool
	Code  int // of the answer; 0: there was none
	Event string
}

// mostDelivered bounds the attempts that are listed at a time.
const mostDelivered = 5000

// HookFor finds the repository's webhook for a URL; 0 for none. It needs the right to manage them.
func (c *Client) HookFor(ctx context.Context, fullName, hookURL string) (int64, error) {
	owner, name, err := SplitFullName(fullName)
	if err != nil {
		return 0, err
	}
	id, err := c.hookFor(forErrand(ctx, fullName, pipeline.PurposeManage), owner, name, hookURL)
	if err != nil {
		return 0, fmt.Errorf("list the webhooks of %s: %w", fullName, plain(err))
	}
	return id, nil
}

// Deliveries lists a webhook's attempts since a time, newest first.
func (c *Client) Deliveries(ctx context.Context, fullName string, hook int64, since time.Time) ([]Delivered, error) {
	owner, name, err := SplitFullName(fullName)
	if err != nil {
		return nil, err
	}
	ctx = forErrand(ctx, fullName, pipeline.PurposeManage)
	o := &gh.ListCursorOptions{PerPage: perPage}
	var all []Delivered
	for len(all) < mostDelivered {
		page, resp, err := c.api.Repositories.ListHookDeliveries(ctx, owner, name, hook, o)
		if err != nil {
			return nil, fmt.Errorf("list the deliveries of %s: %w", fullName, plain(err))
		}
		for _, d := range page {
			if d.GetDeliveredAt().Before(since) {
				return all, nil
			}
			all = append(all, Delivered{
				ID: d.GetID(), GUID: d.GetGUID(), At: d.GetDeliveredAt().Time, Event: d.GetEvent(), Code: d.GetStatusCode(),
				OK: d.GetStatusCode() >= 200 && d.GetStatusCode() < 300,
			})
		}
		if resp.Cursor == "" {
			break
		}
		o.Cursor = resp.Cursor
	}
	return all, nil
}

// Redeliver has GitHub repeat an attempt. It does so some time after it has answered.
func (c *Client) Redeliver(ctx context.Context, fullName string, hook, attempt int64) error {
	owner, name, err := SplitFullName(fullName)
	if err != nil {
		return err
	}
	ctx = forErrand(ctx, fullName, pipeline.PurposeManage)
	_, _, err = c.api.Repositories.RedeliverHookDelivery(ctx, owner, name, hook, attempt)
	if _, accepted := errors.AsType[*gh.AcceptedError](err); err != nil && !accepted {
		return fmt.Errorf("have a delivery of %s repeated: %w", fullName, plain(err))
	}
	return nil
}
