//go:build linux

package main

import (
	"net"
	"testing"
	"time"
)

func TestSocketPagesAreThoseOfTCPAndUDP(t *testing.T) {
	const text = "sockets: used 35\nTCP: inuse 2 orphan 0 tw 8 alloc 2 mem 113\nUDP: inuse 0 mem 7\n" +
		"UDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 9\n"
	if pages, ok := socketPages([]byte(text)); pages != 120 || !ok {
		t.Errorf("got %d, %t; want 120", pages, ok)
	}
	if _, ok := socketPages(nil); ok {
		t.Error("nothing is taken for an answer")
	}
}

func TestQueuedReadsBothDirections(t *testing.T) {
	const line = "   0: 0100007F:0016 00000000:0000 0A 00000010:000000FF 00:00000000 00000000     0        0 1 1 0 " +
		"100 0 0 10 0"
	const heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
	if got := queued([]byte(line)); got != 16+255 {
		t.Errorf("got %d, want 271", got)
	}
	if got := queued([]byte(heading)); got != 0 {
		t.Errorf("the headings count %d", got)
	}
}

func TestWhatWaitsInSocketsIsBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const sent = 64 << 10
	before := ownSockets(1 << 40)
	if _, err := c.Write(make([]byte, sent)); err != nil {
		t.Fatal(err)
	}
	if got := ownSockets(1<<40) - before; got < sent {
		t.Errorf("%d bytes wait, %d were sent", got, sent)
	}
	for _, c := range []struct {
		name     string
		most     int64
		exceeded bool
	}{
		{"more than may wait", 1, true},
		{"less than may wait", 1 << 40, false},
		{"the cgroup counts it", 0, false},
	} {
		w := socketWatch{most: c.most}
		next, exceeded := w.look(time.Now())
		if exceeded != c.exceeded || (w.over >= sent) != c.exceeded || next < quickest {
			t.Errorf("%s: exceeded %t by %d bytes, next look in %s", c.name, exceeded, w.over, next)
		}
	}
}
