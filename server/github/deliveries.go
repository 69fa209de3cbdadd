package github

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vivarium/pipeline"
	"vivarium/server/github/names"

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

// Webhooks tells what GitHub could not deliver, and has it deliver that again.
type Webhooks struct{ *Client }

// hooks are the webhooks of a repository, or of a whole organization.
type hooks struct {
	*Client
	owner, name string // no name for an organization
}

// hooksOf are the webhooks of OWNER/NAME, or of the organization OWNER.
func (c *Client) hooksOf(ctx context.Context, whose string) (context.Context, hooks, error) {
	if names.ValidOwner(whose) {
		return forErrand(ctx, "", pipeline.PurposeManage), hooks{c, whose, ""}, nil
	}
	owner, name, err := names.SplitFullName(whose)
	return forErrand(ctx, whose, pipeline.PurposeManage), hooks{c, owner, name}, err
}

// HookFor finds the webhook of OWNER/NAME, or of the organization OWNER, for a URL; 0 for none. It
// needs the right to manage them.
func (c Webhooks) HookFor(ctx context.Context, whose, hookURL string) (int64, error) {
	ctx, h, err := c.hooksOf(ctx, whose)
	if err != nil {
		return 0, err
	}
	list, err := paged(func(o gh.ListOptions) ([]*gh.Hook, *gh.Response, error) {
		if h.name == "" {
			return c.api.Organizations.ListHooks(ctx, h.owner, &o)
		}
		return c.api.Repositories.ListHooks(ctx, h.owner, h.name, &o)
	})
	if err != nil {
		return 0, fmt.Errorf("list the webhooks of %s: %w", whose, plain(err))
	}
	for _, one := range list {
		if one.GetConfig().GetURL() == hookURL {
			return one.GetID(), nil
		}
	}
	return 0, nil
}

// Deliveries lists a webhook's attempts since a time, newest first.
func (c Webhooks) Deliveries(ctx context.Context, whose string, hook int64, since time.Time) ([]Delivered, error) {
	ctx, h, err := c.hooksOf(ctx, whose)
	if err != nil {
		return nil, err
	}
	o := &gh.ListCursorOptions{PerPage: perPage}
	var all []Delivered
	for len(all) < mostDelivered {
		page, resp, err := h.deliveries(ctx, hook, o)
		if err != nil {
			return nil, fmt.Errorf("list the deliveries of %s: %w", whose, plain(err))
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

// deliveries is one page of a webhook's attempts.
func (h hooks) deliveries(
	ctx context.Context, hook int64, o *gh.ListCursorOptions,
) ([]*gh.HookDelivery, *gh.Response, error) {
	if h.name == "" {
		return h.api.Organizations.ListHookDeliveries(ctx, h.owner, hook, o)
	}
	return h.api.Repositories.ListHookDeliveries(ctx, h.owner, h.name, hook, o)
}

// Redeliver has GitHub repeat an attempt. It does so some time after it has answered.
func (c Webhooks) Redeliver(ctx context.Context, whose string, hook, attempt int64) error {
	ctx, h, err := c.hooksOf(ctx, whose)
	if err != nil {
		return err
	}
	if h.name == "" {
		_, _, err = c.api.Organizations.RedeliverHookDelivery(ctx, h.owner, hook, attempt)
	} else {
		_, _, err = c.api.Repositories.RedeliverHookDelivery(ctx, h.owner, h.name, hook, attempt)
	}
	if _, accepted := errors.AsType[*gh.AcceptedError](err); err != nil && !accepted {
		return fmt.Errorf("have a delivery of %s repeated: %w", whose, plain(err))
	}
	return nil
}
