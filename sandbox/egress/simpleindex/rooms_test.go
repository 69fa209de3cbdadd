package simpleindex

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestAPageWaitsItsTurn(t *testing.T) {
	r := NewRooms(time.Minute)
	if err := r.small.Acquire(t.Context(), smallPages); err != nil {
		t.Fatal(err)
	}
	go r.small.Release(smallPages)
	files, err := read(t, r, JSONType, `{"files":[{"filename":"six-1.tar.gz","url":"x"}]}`)
	if err != nil || len(files) != 1 {
		t.Errorf("when there was room: %d files, %v", len(files), err)
	}
}

func read(t *testing.T, r *Rooms, contentType, text string) ([]*File, error) {
	t.Helper()
	return r.Read(t.Context(), Source{
		URL: &url.URL{Scheme: "https", Host: "index.example"}, ContentType: contentType,
		Open: func() (io.Reader, error) { return strings.NewReader(text), nil },
	})
}

func TestAPageGivesItsRoomBackHoweverItEnds(t *testing.T) {
	r := NewRooms(time.Second)
	link := `{"filename":"a-1.tar.gz","url":"` + strings.Repeat("x", 4000) + `"},`
	large := `{"files":[` + strings.Repeat(link, 2*smallPage/4000)
	for what, c := range map[string]struct {
		contentType, text string
		want              error
	}{
		"a page":                   {JSONType, `{"files":[]}`, nil},
		"a large page":             {JSONType, strings.TrimSuffix(large, ",") + "]}", nil},
		"a large page that ends":   {JSONType, large, io.EOF},
		"a page beyond all bounds": {JSONType, large + strings.Repeat(link, maxPageMemory/4000), ErrTooLarge},
		"a page of another kind":   {"text/plain", "", ErrBadPage},
		"a page of one number":     {JSONType, "0", ErrBadPage},
	} {
		if _, err := read(t, r, c.contentType, c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", what, err, c.want)
		}
	}
	gone := errors.New("gone")
	_, err := r.Read(t.Context(), Source{Open: func() (io.Reader, error) { return nil, gone }})
	if !errors.Is(err, gone) || !errors.Is(err, ErrBadPage) {
		t.Errorf("a page without a text: %v", err)
	}
	if !r.small.TryAcquire(smallPages) || !r.large.TryAcquire(largePages) {
		t.Error("a page has kept its room")
	}
}

func TestALargePageDoesNotWaitForItself(t *testing.T) {
	r := NewRooms(20 * time.Millisecond)
	at := &url.URL{Scheme: "https", Host: "x", Path: "/"}
	large := func() (*linkList, error) {
		l, err := r.enter(t.Context())
		for err == nil && !l.large {
			err = l.add(newFile(base{URL: at}, strings.Repeat("x", 4000), "a-1.tar.gz"))
		}
		return l, err
	}
	var held []*linkList
	for range largePages {
		l, err := large()
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, l)
	}
	l, err := large()
	if !errors.Is(err, ErrNoRoom) {
		t.Errorf("got %v", err)
	}
	l.leave()
	held[0].leave()
	if l, err = large(); err != nil {
		t.Errorf("when there is room: %v", err)
	}
	l.leave()
}

// TestAClientThatLeavesSaysNothingOfTheRoom, whether there is room or not.
func TestAClientThatLeavesSaysNothingOfTheRoom(t *testing.T) {
	r := NewRooms(time.Minute)
	why := errors.New("it has what it wants")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	err := r.acquire(ctx, r.large)
	if errors.Is(err, ErrNoRoom) || !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
		t.Errorf("it had left before, and there was room: %v", err)
	}
	if !r.large.TryAcquire(largePages) {
		t.Fatal("it has kept its room")
	}
	ctx, cancel = context.WithCancelCause(t.Context())
	go cancel(why)
	if err := r.acquire(ctx, r.large); errors.Is(err, ErrNoRoom) || !errors.Is(err, context.Canceled) {
		t.Errorf("it left while it waited: %v", err)
	}
	r.wait = time.Millisecond
	if err := r.acquire(t.Context(), r.large); !errors.Is(err, ErrNoRoom) {
		t.Errorf("control: one that stayed: %v", err)
	}
}
