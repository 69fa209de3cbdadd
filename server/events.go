package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"vivarium/pipeline"
	"vivarium/sandbox/quantity"
	"vivarium/server/api"
	"vivarium/server/logpage"
	"vivarium/server/logtext"
	"vivarium/server/store/buildlog"
	"vivarium/server/stream"
)

type eventsInput struct {
	ID          string `path:"id" doc:"The build's id."`
	LastEventID int64  `header:"Last-Event-ID" minimum:"0" doc:"Number of the last chunk received; browsers send it."`
	After       int64  `query:"after" minimum:"0" doc:"Same as Last-Event-ID, which wins, for the first connection."`
	Plain       bool   `query:"plain" doc:"Without escape sequences; other control characters are made visible."`
}

// chunkEvent is event: chunk. The event's id is its sequence number.
type chunkEvent struct {
	Seq     int64             `json:"seq"`
	Attempt int               `json:"attempt"`
	Step    pipeline.StepName `json:"step"`
	Stream  pipeline.Stream   `json:"stream"`
	Time    *float64          `json:"time"` // Unix seconds
	Text    string            `json:"text"`
}

// omittedEvent is event: omitted. With a sequence number it is the gap in the log; without one, the
// present size of a gap that still grows.
type omittedEvent struct {
	Seq     int64             `json:"seq,omitempty"`
	Attempt int               `json:"attempt,omitempty"`
	Step    pipeline.StepName `json:"step,omitempty"`
	Bytes   int64             `json:"bytes"`
	Text    string            `json:"text"`
}

// stepEvent is event: step. It is sent when a step begins or ends, and for every step when a
// connection begins.
type stepEvent struct {
	Attempt int `json:"attempt"`
	api.Step
}

// verdictEvent is event: state, and event: end, after which nothing follows.
type verdictEvent struct {
	State   pipeline.State `json:"state"`
	Status  string         `json:"status"`
	Cause   pipeline.Cause `json:"cause"`
	Summary string         `json:"summary"`
	Attempt int            `json:"attempt"`

	QueuePosition int `json:"queue_position,omitempty"` // as in a build's JSON
}

// events sends the log as server-sent events (HTML standard, section 9.2).
func (s *Server) events(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	b, err := s.build(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	after := in.After
	if in.LastEventID > 0 {
		after = in.LastEventID
	}
	r := &eventReader{
		text: logtext.New(in.Plain), steps: make(map[pipeline.StepName]stepEvent),
		place: func(b pipeline.Build) (int, error) { return s.builds.Queue.Place(ctx, b) },
	}
	if err := s.prime(ctx, r.text, b.ID, after); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		c := unwrap(hctx)
		h := c.Response().Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("X-Accel-Buffering", "no") // nginx and its like pass events on at once
		r.out = stream.New(c.Response())
		s.finish(ctx, b.ID, s.keepOpen(c, func() error {
			if err := r.beat(); err != nil || wantsHead(ctx) {
				return err
			}
			return s.follow(ctx, b.ID, after, r)
		}))
	}}, nil
}

// prime feeds a decoder the last chunks before a resumed connection: the border may cut a
// character, which spans at most four chunks.
func (s *Server) prime(ctx context.Context, text *logtext.Decoder, build, after int64) error {
	first := max(0, after-3)
	if after == 0 {
		return nil
	}
	for first < after {
		chunks, err := s.builds.Logs.Chunks(ctx, build, first, 1)
		if err != nil {
			return fmt.Errorf("read the log of build %d before %d: %w", build, after, err)
		}
		if len(chunks) == 0 || chunks[0].Seq > after {
			return nil
		}
		text.Text(chunks[0])
		first = chunks[0].Seq
	}
	return nil
}

// eventReader writes the log as events.
type eventReader struct {
	out     stream.Stream
	text    *logtext.Decoder
	place   func(pipeline.Build) (int, error)
	buf     bytes.Buffer
	attempt int
	steps   map[pipeline.StepName]stepEvent // as last sent
	verdict verdictEvent                    // as last sent
}

func (r *eventReader) chunks(chunks []buildlog.Chunk) error {
	for _, c := range chunks {
		if c.Omitted > 0 {
			r.add("omitted", c.Seq, omittedEvent{Seq: c.Seq, Attempt: c.Attempt, Step: c.Step, Bytes: c.Omitted,
				Text: logpage.Gap(c.Omitted)})
			continue
		}
		r.add("chunk", c.Seq, chunkEvent{Seq: c.Seq, Attempt: c.Attempt, Step: c.Step, Stream: c.Stream,
			Time: api.UnixFraction(c.Time), Text: r.text.Text(c)})
	}
	return r.flush()
}

func (r *eventReader) build(b pipeline.Build) error {
	if b.Attempt != r.attempt {
		r.attempt = b.Attempt
		clear(r.steps)
	}
	for _, st := range b.Steps {
		e := stepEvent{Attempt: b.Attempt, Step: api.NewStep(st)}
		if sent, ok := r.steps[st.Name]; !ok || sent.State != e.State {
			r.steps[st.Name] = e
			r.add("step", 0, e)
		}
	}
	place, err := r.place(b)
	if err != nil {
		return err
	}
	verdict := verdictEvent{
		State: b.State, Status: pipeline.StatusState(b.State), Cause: b.Cause, Summary: b.Summary, Attempt: b.Attempt,
		QueuePosition: place,
	}
	switch {
	case b.State.Ended():
		r.add("end", 0, verdict)
	case verdict != r.verdict:
		r.add("state", 0, verdict)
	}
	r.verdict = verdict
	return r.flush()
}

func (r *eventReader) omitted(bytes int64) error {
	r.add("omitted", 0, omittedEvent{Bytes: bytes, Text: quantity.Bytes(bytes) + " of output left out so far"})
	return r.flush()
}

func (r *eventReader) beat() error { return r.out.Send([]byte(": still here\n\n")) }

// stoppingLine is for people who follow a log when the server stops.
const stoppingLine = "the server is being stopped; the build goes on when it is back: follow the log again"

// stoppingEvent is event: stopping. A client that sends the last ID as Last-Event-ID continues
// where this stream ends.
type stoppingEvent struct {
	Message string `json:"message"`
}

func (r *eventReader) stopping() error {
	r.add("stopping", 0, stoppingEvent{Message: stoppingLine})
	return r.flush()
}

// add appends one event. JSON contains no line ends, so it is one data line.
func (r *eventReader) add(event string, id int64, data any) {
	body, err := json.Marshal(data)
	if err != nil {
		panic(fmt.Sprintf("encode event %s: %v", event, err)) // our own types: cannot fail
	}
	if id != 0 {
		fmt.Fprintf(&r.buf, "id: %d\n", id)
	}
	fmt.Fprintf(&r.buf, "event: %s\ndata: %s\n\n", event, body)
}

// flush sends the added events. It keeps the buffer, unless a large batch made it large.
func (r *eventReader) flush() error {
	if r.buf.Len() == 0 {
		return nil
	}
	err := r.out.Send(r.buf.Bytes())
	if r.buf.Cap() > 4*pullBytes {
		r.buf = bytes.Buffer{}
	}
	r.buf.Reset()
	return err
}
