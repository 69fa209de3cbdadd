//go:build linux

package main

import (
	"fmt"
	"net"
	"runtime"
	"strings"
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
	const line = "   0: 0100007F:0016 00000000:0000 01 00000010:000000FF 00:00000000 00000000     0        0 1 1 0 " +
		"100 0 0 10 0"
	const heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
	if sent, unread := queued([]byte(line)); sent != 16 || unread != 255 {
		t.Errorf("got %d, %d; want 16, 255", sent, unread)
	}
	for what, line := range map[string]string{
		"the headings": heading,
		"a listener":   strings.Replace(line, " 01 ", " 0A ", 1),
	} {
		if sent, unread := queued([]byte(line)); sent+unread != 0 {
			t.Errorf("%s: counts %d, %d", what, sent, unread)
		}
	}
}

// TestSmallMessagesCountAsTheMemoryThatTheyMayTake: measured, 95,824 bytes in messages of one byte
// took 73.6 MB.
func TestSmallMessagesCountAsTheMemoryThatTheyMayTake(t *testing.T) {
	const line = "   0: 0100007F:0016 0100007F:0017 01 %08X:%08X 00:00000000 00000000     0        0 1"
	b := buffers{send: 4 << 20, receive: 6 << 20}
	for _, c := range []struct {
		name          string
		sent, unread  int64
		tcp           bool
		least, atMost int64
	}{
		{"a few messages", 10, 20, true, 30, 30 * perMessage},
		{"as many as fit the buffers", 1 << 20, 1 << 20, true, 2 << 20, 10 << 20},
		{"more than the buffers, as said", 8 << 20, 8 << 20, true, 16 << 20, 16 << 20},
		{"UDP, of which the memory is listed", 10, 20, false, 30, 30},
	} {
		var s inSockets
		s.add(fmt.Appendf(nil, line, c.sent, c.unread), c.tcp, b)
		if s.bytes != c.least || s.most != c.atMost {
			t.Errorf("%s: from %d to %d bytes, want %d to %d", c.name, s.bytes, s.most, c.least, c.atMost)
		}
	}
}

func TestTheMachinesGrowthIsOursAsFarAsItCanBe(t *testing.T) {
	for _, c := range []struct {
		name        string
		ours        inSockets
		grown, want int64
	}{
		{"others hold it", inSockets{bytes: 10, most: 13000}, 1 << 30, 13000},
		{"we may hold all of it", inSockets{bytes: 100_000, most: 1 << 30}, 70 << 20, 70 << 20},
		{"others gave back as much", inSockets{bytes: 1 << 20, most: 1 << 30}, 0, 1 << 20},
		{"sockets that nobody looked at", inSockets{more: true}, 70 << 20, 70 << 20},
	} {
		if got := c.ours.of(c.grown); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.want)
		}
	}
}

func TestWhatWaitsInSocketsIsBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before := ownSockets(buffers{}, 1<<40).bytes
	// Linux keeps up to 1 MiB per CPU out of the machine's sum (net.core.mem_pcpu_rsv).
	each, connections := 64<<10, 32*(1+runtime.NumCPU())
	sent := int64(each * connections)
	for range connections {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write(make([]byte, each)); err != nil {
			t.Fatal(err)
		}
	}
	if got := ownSockets(buffers{}, 1<<40).bytes - before; got < sent {
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
		w := newSocketWatch(c.most)
		next, exceeded := w.look(time.Now())
		if exceeded != c.exceeded || (w.over > c.most && c.most > 0) != c.exceeded || next < quickest {
			t.Errorf("%s: exceeded %t by %d bytes, next look in %s", c.name, exceeded, w.over, next)
		}
	}
}
