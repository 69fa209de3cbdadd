package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
)

// event is one server-sent event, as a browser parses it.
type event struct {
	id, name string
	data     map[string]any
}

// eventSource reads events and keeps the last ID, as a browser does.
type eventSource struct {
	t    *testing.T
	scan *bufio.Scanner
	last string
}

func (s *site) events(ctx context.Context, id int64, lastEventID string) *eventSource {
	s.t.Helper()
	header := http.Header{}
	if lastEventID != "" {
		header.Set("Last-Event-ID", lastEventID)
	}
	resp := s.open(ctx, buildPath(id)+"/events", header)
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != "text/event-stream" {
		s.t.Fatalf("answered %d %s", resp.StatusCode, got)
	}
	if resp.Header.Get("X-Accel-Buffering") != "no" || resp.Header.Get("Cache-Control") != "no-store" {
		s.t.Errorf("headers let a proxy keep events back: %v", resp.Header)
	}
	es := newEventSource(s.t, resp)
	es.last = lastEventID
	return es
}

func newEventSource(t *testing.T, resp *http.Response) *eventSource {
	scan := bufio.NewScanner(resp.Body)
	scan.Buffer(nil, 4<<20)
	return &eventSource{t: t, scan: scan}
}

// next is the next event; ok is false when the stream has ended.
func (es *eventSource) next() (e event, ok bool) {
	es.t.Helper()
	for es.scan.Scan() {
		field, value, _ := strings.Cut(es.scan.Text(), ": ")
		switch field {
		case "id":
			e.id, es.last = value, value
		case "event":
			e.name = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e.data); err != nil {
				es.t.Fatalf("data %q: %v", value, err)
			}
		case "":
			if e.name != "" {
				return e, true
			}
		}
	}
	return event{}, false
}

// until reads events up to the first with this name.
func (es *eventSource) until(name string) event {
	es.t.Helper()
	for {
		e, ok := es.next()
		if !ok {
			es.t.Fatalf("the stream ended before %s: %v", name, es.scan.Err())
		}
		if e.name == name {
			return e
		}
	}
}

func TestEventsShowTheBuildAsItGoes(t *testing.T) {
	s := newSite(t)
	sc := s.work()
	id := s.push("o/n", false)
	es := s.events(t.Context(), id, "")

	sc.start(pipeline.StepClone)
	if e := es.until("step"); e.data["name"] != "clone" || e.data["state"] != "running" || e.data["attempt"] != 1.0 {
		t.Errorf("step event %v", e.data)
	}
	sc.write(pipeline.StepClone, pipeline.Stderr, "cloning <b>\x1b[31m\n")
	e := es.until("chunk")
	if e.data["text"] != "cloning <b>\x1b[31m\n" || e.data["stream"] != "stderr" || e.data["step"] != "clone" ||
		e.id != fmt.Sprint(e.data["seq"]) {
		t.Errorf("chunk event %v with id %s", e.data, e.id)
	}
	sc.stop(pipeline.StepClone, pipeline.StepFailed, pipeline.CauseClone)
	if e := es.until("step"); e.data["state"] != "failed" || e.data["note"] != "note of clone" {
		t.Errorf("step event %v", e.data)
	}
	sc.end(pipeline.Outcome{State: pipeline.Errored, Cause: pipeline.CauseClone, Summary: "gone"})
	if e := es.until("end"); e.data["state"] != "errored" || e.data["status"] != "error" ||
		e.data["cause"] != "clone" || e.data["summary"] != "gone" {
		t.Errorf("end event %v", e.data)
	}
	if e, ok := es.next(); ok {
		t.Errorf("%s after the end", e.name)
	}
}

// TestEventsResumeWithoutLossOrDuplicates breaks the connection after every piece of a growing log,
// inside a character, while the next piece is on its way.
func TestEventsResumeWithoutLossOrDuplicates(t *testing.T) {
	s := newSite(t)
	sc := s.work()
	id := s.push("o/n", false)
	sc.start(pipeline.StepTest)
	const pieces = 12
	written := make(chan struct{}, 1)
	var got strings.Builder
	var seq int64
	last := ""
	want := ""
	for i := range pieces {
		line := fmt.Sprintf("line %d → 🐍\n", i)
		cut := strings.Index(line, "🐍") + 1 + i%3
		connect := func(text string) {
			go func() {
				sc.write(pipeline.StepTest, pipeline.Stdout, text)
				written <- struct{}{}
			}()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			es := s.events(ctx, id, last)
			want += text
			// An unfinished character comes with the next piece.
			for whole := strings.ToValidUTF8(want, ""); got.Len() < len(whole); {
				e := es.until("chunk")
				if seq++; e.id != strconv.FormatInt(seq, 10) {
					t.Fatalf("chunk %s follows %d", e.id, seq-1)
				}
				got.WriteString(e.data["text"].(string))
			}
			last = es.last
			<-written
		}
		connect(line[:cut])
		connect(line[cut:])
	}
	sc.end(pipeline.Outcome{State: pipeline.Passed})
	s.events(t.Context(), id, last).until("end")
	if got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}

func TestEventsOfAnEndedBuildEndAtOnce(t *testing.T) {
	s := newSite(t)
	id := s.built("o/n", false)
	es := s.events(t.Context(), id, "")
	steps := 0
	for {
		e, ok := es.next()
		if !ok {
			t.Fatal("no end")
		}
		if e.name == "step" {
			steps++
		}
		if e.name == "end" {
			break
		}
	}
	if steps != len(pipeline.StepNames) {
		t.Errorf("%d step events, want %d", steps, len(pipeline.StepNames))
	}
	again := s.events(t.Context(), id, es.last)
	for {
		e, ok := again.next()
		if !ok || e.name == "end" {
			break
		}
		if e.name == "chunk" {
			t.Errorf("chunk %s came again", e.id)
		}
	}
}

func TestPlainEventsHaveNoEscapeSequences(t *testing.T) {
	s := newSite(t)
	sc := s.work()
	id := s.push("o/n", false)
	sc.start(pipeline.StepTest)
	sc.write(pipeline.StepTest, pipeline.Stdout, "\x1b[31mred\x1b[0m\r\n")
	sc.end(pipeline.Outcome{State: pipeline.Passed})
	s.ended(id)
	if a := s.get(buildPath(id) + "/events?plain=1&after=0"); !strings.Contains(a.body, `"text":"red\n"`) {
		t.Errorf("got %s", a.body)
	}
	if a := s.get(buildPath(id) + "/events?after=x"); a.code != 400 {
		t.Errorf("after=x is answered %d, want 400", a.code)
	}
}

func TestRawLogIsByteExactAndFollowsTheBuild(t *testing.T) {
	s := newSite(t)
	sc := s.work()
	id := s.push("o/n", false)
	const first, second = "\xff\x00\x1b[31m half \xe2", "\x86\x92\n"
	sc.start(pipeline.StepTest)
	resp := s.open(t.Context(), buildPath(id)+"/raw?follow=1", nil)
	if got := resp.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" ||
		resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", resp.Header)
	}
	sc.write(pipeline.StepTest, pipeline.Stdout, first)
	got := make([]byte, len(first))
	if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != first {
		t.Fatalf("while the build runs: %q, %v", got, err)
	}
	sc.write(pipeline.StepTest, pipeline.Stderr, second)
	sc.end(pipeline.Outcome{State: pipeline.Passed})
	rest, err := io.ReadAll(resp.Body)
	if err != nil || string(rest) != second {
		t.Errorf("to its end: %q, %v", rest, err)
	}
	if a := s.get(buildPath(id) + "/raw"); a.body != first+second {
		t.Errorf("afterwards: %q", a.body)
	}
}

// TestSlowReaderBlocksNobody leaves a connection unread while a log grows beyond the kernel's
// buffers for it.
func TestSlowReaderBlocksNobody(t *testing.T) {
	s := newSite(t)
	sc := s.work()
	id := s.push("o/n", false)
	conn, err := net.Dial("tcp", s.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s/raw?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n", buildPath(id))
	sc.start(pipeline.StepTest)
	piece := strings.Repeat("x", 1<<20)
	for range 12 {
		sc.write(pipeline.StepTest, pipeline.Stdout, piece)
	}
	sc.end(pipeline.Outcome{State: pipeline.Passed})
	s.ended(id)
	if a := s.get(buildPath(id) + "/raw"); len(a.body) != 12<<20 {
		t.Errorf("another reader got %d bytes, want %d", len(a.body), 12<<20)
	}
}

// TestHandlerLeavesWithItsClient relies on goleak in TestMain, which finds a handler that stayed.
func TestHandlerLeavesWithItsClient(t *testing.T) {
	s := newSite(t)
	id := s.push("o/n", false)
	left := make(chan struct{})
	inner := s.Handler()
	s.http.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(left)
		inner.ServeHTTP(w, r)
	})
	ctx, cancel := context.WithCancel(t.Context())
	es := s.events(ctx, id, "")
	es.until("state")
	select {
	case <-left:
		t.Fatal("the stream of a queued build ended by itself")
	default:
	}
	cancel()
	select {
	case <-left:
	case <-time.After(time.Minute):
		t.Error("the handler is still there a minute after its client left")
	}
}

func TestRunTellsItsAddressAndEndsStreamsWhenItStops(t *testing.T) {
	s := newSite(t)
	id := s.push("o/n", false)
	bound := make(chan net.Addr, 1)
	s.config.Addr = "127.0.0.1:0"
	s.config.Listening = func(a net.Addr) { bound <- a }
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	s.http.URL = "http://" + (<-bound).String()
	es := s.events(t.Context(), id, "")
	es.until("state")
	begin := time.Now()
	cancel()
	es.until("stopping")
	if e, ok := es.next(); ok {
		t.Errorf("%s after the server stopped", e.name)
	}
	if err := es.scan.Err(); err != nil {
		t.Errorf("the stream was cut and not ended: %v", err)
	}
	if err := <-ran; err != nil {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(begin); took > shutdownTimeout/2 {
		t.Errorf("stopping with a stream open took %v", took)
	}
}

func TestRunSaysWhichAddressIsTaken(t *testing.T) {
	s := newSite(t)
	s.config.Addr = s.http.Listener.Addr().String()
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), s.config.Addr) ||
		!strings.Contains(err.Error(), "VIVARIUM_ADDR") {
		t.Errorf("got %v, want the address and what to set", err)
	}
}
