package server

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestPlaceInTheQueueIsShownWhileABuildWaits(t *testing.T) {
	s := newSite(t)
	first := s.push("a/secret", true)
	second := s.push("o/n", false)
	if body := s.get(buildPath(second)).json(t); body["queue_position"] != 2.0 {
		t.Errorf("in JSON: %v, want 2: others' private builds count", body["queue_position"])
	}
	page := s.get(buildPath(second), browser)
	if !strings.Contains(page.body, "place 2 in the queue") || strings.Contains(page.body, "secret") {
		t.Errorf("the page: %s", page.body)
	}
	es := s.events(t.Context(), second, "")
	if e := es.until("state"); e.data["queue_position"] != 2.0 {
		t.Errorf("the first event: %v", e.data)
	}
	s.cancel(first)
	if e := es.until("state"); e.data["queue_position"] != 1.0 {
		t.Errorf("after the other has gone: %v", e.data)
	}
	s.cancel(second)
	if e := es.until("end"); e.data["queue_position"] != nil {
		t.Errorf("at the end: %v", e.data)
	}
	if body := s.get(buildPath(second)).json(t); body["queue_position"] != nil {
		t.Errorf("of an ended build: %v", body["queue_position"])
	}
}

func (s *site) cancel(id int64) {
	s.t.Helper()
	if err := s.store.Queue.Cancel(context.WithoutCancel(s.t.Context()), byTest, id); err != nil {
		s.t.Fatal(err)
	}
}

func TestPageFollowsThePlaceInTheQueue(t *testing.T) {
	ctx, visits := newBrowser(t)
	s := newSite(t)
	var ahead []int64
	for _, repo := range []string{"a/a", "b/b"} {
		ahead = append(ahead, s.push(repo, false))
	}
	id := s.push("o/n", false)
	if err := chromedp.Do(ctx, chromedp.Navigate(s.http.URL+buildPath(id))); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, `document.getElementById("place").textContent === "place 3 in the queue"`)
	s.cancel(ahead[0])
	shows(t, ctx, `document.getElementById("place").textContent === "place 2 in the queue"`)
	s.cancel(ahead[1])
	shows(t, ctx, `document.getElementById("place").textContent === "next in the queue"`)
	s.cancel(id)
	shows(t, ctx, `document.getElementById("place").textContent === "" && `+
		`document.getElementById("state").textContent === "canceled"`)
	visits.check(t, s.http.URL)
}
