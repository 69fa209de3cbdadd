package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"vivarium/pipeline"
)

// running is a site that listens on its own, and can be stopped.
func running(t *testing.T) (s *site, stop func() time.Duration) {
	t.Helper()
	s = newSite(t)
	bound := make(chan net.Addr, 1)
	s.config.Addr = "127.0.0.1:0"
	s.config.Listening = func(a net.Addr) { bound <- a }
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	s.http.URL = "http://" + (<-bound).String()
	return s, func() time.Duration {
		begin := time.Now()
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("Run: %v", err)
		}
		return time.Since(begin)
	}
}

// TestFollowersAreToldThatTheServerStops: they get an event and a line, not an end without a word.
func TestFollowersAreToldThatTheServerStops(t *testing.T) {
	s, stop := running(t)
	id := s.push("o/n", false)
	es := s.events(t.Context(), id, "")
	es.until("state")
	raw := s.open(t.Context(), buildPath(id)+"/raw?follow=1", nil)
	took := stop()
	if e, ok := es.next(); !ok || e.name != "stopping" ||
		!strings.Contains(fmt.Sprint(e.data["message"]), "follow the log again") {
		t.Errorf("got %v %v, want to be told that the server stops", e, ok)
	}
	if e, ok := es.next(); ok {
		t.Errorf("%s after that", e.name)
	}
	if err := es.scan.Err(); err != nil {
		t.Errorf("the stream was cut and not ended: %v", err)
	}
	if text, err := io.ReadAll(raw.Body); err != nil || !strings.Contains(string(text), "follow the log again") {
		t.Errorf("the raw log ends with %q, %v", text, err)
	}
	if took > arrivalTime {
		t.Errorf("stopping with followers took %s", took)
	}
}

// TestNobodyHoldsAShutdown: neither half a header nor half a body does.
func TestNobodyHoldsAShutdown(t *testing.T) {
	for name, half := range map[string]string{
		"half a header": "POST /webhook HTTP/1.1\r\nHost: x\r\nX-GitHub-Ev",
		"no byte":       "",
		"half a body": "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
			"X-Hub-Signature-256: sha256=" +
			strings.Repeat("0", 64) + "\r\nContent-Length: 100\r\n\r\n{\"half\":",
		"half a body that nobody reads": "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
	} {
		t.Run(name, func(t *testing.T) {
			s, stop := running(t)
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.http.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, half); err != nil {
				t.Fatal(err)
			}
			// The control, on a connection of its own: a whole request is answered at the same
			// time.
			a, err := http.Get(s.http.URL + "/healthz")
			if err != nil || a.StatusCode != http.StatusOK {
				t.Fatalf("control: %v, %v", a, err)
			}
			a.Body.Close()
			if took := stop(); took > arrivalTime+time.Second {
				t.Errorf("stopping took %s", took)
			}
		})
	}
}

// TestReaderThatTakesNothingDoesNotHoldAShutdown: a follower is far behind.
func TestReaderThatTakesNothingDoesNotHoldAShutdown(t *testing.T) {
	s, stop := running(t)
	sc := s.work()
	id := s.push("o/n", false)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.http.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s/raw?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n", buildPath(id))
	if _, err := bufio.NewReaderSize(conn, 16).ReadByte(); err != nil { // the stream has begun
		t.Fatal(err)
	}
	sc.start(pipeline.StepTest)
	for range 12 {
		sc.write(pipeline.StepTest, pipeline.Stdout, strings.Repeat("x", 1<<20))
	}
	if took := stop(); took > arrivalTime+time.Second {
		t.Errorf("stopping took %s", took)
	}
	sc.end(pipeline.Outcome{State: pipeline.Passed})
	s.ended(id)
}

// TestWholeRequestIsAnsweredWhileTheServerStops: its body has arrived, so it is not cut off.
func TestWholeRequestIsAnsweredWhileTheServerStops(t *testing.T) {
	s, stop := running(t)
	entered, leave := make(chan struct{}), make(chan struct{})
	s.echo.POST("/slow", func(c echo.Context) error {
		if _, err := io.ReadAll(c.Request().Body); err != nil {
			return err
		}
		close(entered)
		<-leave
		return c.String(http.StatusOK, "done")
	})
	answered := make(chan string, 1)
	go func() {
		a, err := http.Post(s.http.URL+"/slow", "text/plain", strings.NewReader("whole"))
		if err != nil {
			answered <- err.Error()
			return
		}
		defer a.Body.Close()
		text, _ := io.ReadAll(a.Body)
		answered <- string(text)
	}()
	<-entered
	context.AfterFunc(s.cutOff, func() { close(leave) }) // when incomplete requests are cut off
	stop()
	if got := <-answered; got != "done" {
		t.Errorf("got %q", got)
	}
}
