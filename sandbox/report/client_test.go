//go:build linux

package report

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// log keeps what a Server passes on.
type log struct {
	records bytes.Buffer
	flushes int
	full    error // what Record returns
}

func (l *log) Flush() error {
	l.flushes++
	return nil
}

func (l *log) Record(p []byte) error {
	l.records.Write(p)
	return l.full
}

func listen(t *testing.T, l *log, testTimeout time.Duration) *Server {
	t.Helper()
	s, err := Listen(l, testTimeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// until serves until done, and fails the test if that takes long.
func until(t *testing.T, s *Server, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
		serve(t, s)
	}
}

// serve polls once.
func serve(t *testing.T, s *Server) {
	t.Helper()
	fds := s.Polls(nil)
	if _, err := unix.Poll(fds, 5); err != nil && err != unix.EINTR {
		t.Fatal(err)
	}
	if err := s.Serve(fds); err != nil {
		t.Fatal(err)
	}
}

// peer is a client's end. Its ring is written with pwrite, which the kernel orders.
type peer struct {
	t              *testing.T
	socket, memory int
	head           uint64
}

// dial connects and sends nothing.
func dial(t *testing.T, s *Server) *peer {
	t.Helper()
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		name := strings.TrimPrefix(s.Setting(), Env+"=")
		err = unix.Connect(socket, &unix.SockaddrUnix{Name: name})
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, socket: socket, memory: -1}
	t.Cleanup(p.close)
	return p
}

func (p *peer) close() {
	for _, fd := range []*int{&p.socket, &p.memory} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
}

// memory is a ring of this capacity in a file of this size.
func memory(t *testing.T, capacity uint64, size int64) int {
	t.Helper()
	fd, err := unix.MemfdCreate("report", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err == nil {
		err = unix.Ftruncate(fd, size)
	}
	if err != nil {
		t.Fatal(err)
	}
	put(t, fd, capacityAt, capacity)
	return fd
}

func put(t *testing.T, fd int, at int64, figure uint64) {
	t.Helper()
	if _, err := unix.Pwrite(fd, binary.LittleEndian.AppendUint64(nil, figure), at); err != nil {
		t.Fatal(err)
	}
}

// send sends a byte with descriptors.
func (p *peer) send(files ...int) {
	p.t.Helper()
	if err := unix.Sendmsg(p.socket, []byte("R"), unix.UnixRights(files...), nil, 0); err != nil {
		p.t.Fatal(err)
	}
}

// connect is a client that does all as it should.
func connect(t *testing.T, s *Server) *peer {
	t.Helper()
	p := dial(t, s)
	p.memory = memory(t, minCapacity, dataAt+minCapacity)
	p.send(p.memory)
	return p
}

func (p *peer) write(text string) {
	p.t.Helper()
	for i := range len(text) {
		at := dataAt + int64((p.head+uint64(i))%minCapacity)
		if _, err := unix.Pwrite(p.memory, []byte{text[i]}, at); err != nil {
			p.t.Fatal(err)
		}
	}
	p.head += uint64(len(text))
	put(p.t, p.memory, headAt, p.head)
}

// ask begins a sync.
func (p *peer) ask() {
	p.t.Helper()
	if err := unix.Sendto(p.socket, []byte{syncs}, unix.MSG_NOSIGNAL, nil); err != nil {
		p.t.Fatal(err)
	}
}

// answer is what has come from the server: "s", "" for nothing, "end" where it has let go.
func (p *peer) answer() string {
	b := make([]byte, 8)
	n, _, err := unix.Recvfrom(p.socket, b, unix.MSG_DONTWAIT)
	switch {
	case err == unix.EAGAIN:
		return ""
	case err == unix.ECONNRESET, err == nil && n == 0:
		return "end"
	case err != nil:
		p.t.Fatal(err)
	}
	return string(b[:n])
}

// synced asks and waits for the answer.
func (p *peer) synced(s *Server) (got string) {
	p.t.Helper()
	p.ask()
	until(p.t, s, "an answer", func() bool { got = p.answer(); return got != "" })
	return got
}

func TestRecordsArePassedOnAsTheyWereWritten(t *testing.T) {
	l := &log{}
	s := listen(t, l, 0)
	p := connect(t, s)
	var want strings.Builder
	for i := range 5000 { // several times around the ring
		line := fmt.Sprintf("record %d %s\n", i, strings.Repeat("x", i%60))
		want.WriteString(line)
		p.write(line)
		if i%500 == 499 {
			if got := p.synced(s); got != "s" {
				t.Fatalf("answered %q", got)
			}
		}
	}
	if l.records.String() != want.String() {
		t.Errorf("got %d bytes, want %d", l.records.Len(), want.Len())
	}
}

func TestRecordsArePassedOnWithoutASync(t *testing.T) {
	l := &log{}
	s := listen(t, l, 0)
	p := connect(t, s)
	p.write("one\n")
	until(t, s, "the record", func() bool { return l.records.String() == "one\n" })
	if l.flushes == 0 {
		t.Error("the output that waited was not passed on before it")
	}
	p.write("half")
	p.synced(s)
	if l.records.String() != "one\n" {
		t.Errorf("got %q before the line was whole", l.records.String())
	}
	p.write(" and half\n")
	p.synced(s)
	if l.records.String() != "one\nhalf and half\n" {
		t.Errorf("got %q", l.records.String())
	}
}

func TestTheLongestLineIsPassedOnAndALongerOneIsNot(t *testing.T) {
	l := &log{}
	s := listen(t, l, 0)
	longest := strings.Repeat("x", MaxLine-1) + "\n"
	p := connect(t, s)
	p.write(longest)
	if got := p.synced(s); got != "s" || l.records.String() != longest {
		t.Errorf("control: answered %q, got %d bytes", got, l.records.Len())
	}
	p.write(strings.Repeat("x", MaxLine))
	if got := p.synced(s); got != "end" || l.records.Len() != len(longest) {
		t.Errorf("answered %q, got %d bytes", got, l.records.Len())
	}
}

func TestRecordsOfAClientThatCameAndWentAreNotLost(t *testing.T) {
	l := &log{}
	s := listen(t, l, 0)
	p := connect(t, s)
	p.write("one\n")
	p.ask()
	p.close()
	if err := s.Finish(); err != nil || l.records.String() != "one\n" {
		t.Errorf("got %q, %v", l.records.String(), err)
	}
}

func TestASinksErrorIsReturned(t *testing.T) {
	l := &log{full: errors.New("full")}
	s := listen(t, l, 0)
	p := connect(t, s)
	p.write("one\n")
	p.close()
	if err := s.Finish(); !errors.Is(err, l.full) {
		t.Errorf("got %v", err)
	}
}

func TestOnlySoManyClientsReport(t *testing.T) {
	l := &log{}
	s := listen(t, l, 0)
	var peers []*peer
	for range MaxClients {
		p := connect(t, s)
		if got := p.synced(s); got != "s" {
			t.Fatalf("control: client %d was answered %q", len(peers), got)
		}
		peers = append(peers, p)
	}
	late := dial(t, s)
	until(t, s, "an end", func() bool { return late.answer() == "end" })
	if got := len(s.Peers()); got != MaxClients {
		t.Errorf("%d peers", got)
	}
	peers[3].close()
	until(t, s, "a place", func() bool { return len(s.Peers()) == MaxClients-1 })
	if got := connect(t, s).synced(s); got != "s" {
		t.Errorf("in the free place: %q", got)
	}
}

func TestTheClockTellsWhoHangs(t *testing.T) {
	s := listen(t, &log{}, 200*time.Millisecond)
	p := connect(t, s)
	put(t, p.memory, runningAt, 1)
	var pid int
	until(t, s, "the clock", func() bool {
		select {
		case pid = <-s.Hung():
		default:
		}
		return pid != 0
	})
	if pid != unix.Getpid() {
		t.Errorf("got process %d", pid)
	}
}

// Under gVisor the kernel names PID 1 as every client's process.
func TestAClientsOwnWordNamesItWhereTheKernelDoesNot(t *testing.T) {
	s := listen(t, &log{}, 0)
	p := dial(t, s)
	p.memory = memory(t, minCapacity, dataAt+minCapacity)
	put(t, p.memory, processAt, 1234)
	until(t, s, "the client", func() bool { return len(s.clients) == 1 })
	s.clients[0].pid = 1
	p.send(p.memory)
	p.synced(s)
	if got := s.Peers(); len(got) != 1 || got[0] != 1234 {
		t.Errorf("got %v", got)
	}
}

func TestClockCountsOneTestsTimeAlone(t *testing.T) {
	const limit = 10 * lookEvery
	at := time.Unix(1000, 0)
	for name, c := range map[string]struct {
		head    func(look int) uint64
		running func(look int) bool
		every   time.Duration
		strikes int // the first look that strikes; 0 for none
	}{
		"a hanging test":   {func(int) uint64 { return 5 }, func(int) bool { return true }, lookEvery, 11},
		"tests that go on": {func(i int) uint64 { return uint64(i / 8) }, func(int) bool { return true }, lookEvery, 0},
		"no test":          {func(int) uint64 { return 5 }, func(int) bool { return false }, lookEvery, 0},
		"one, then none":   {func(int) uint64 { return 5 }, func(i int) bool { return i < 9 }, lookEvery, 0},
		"late looks":       {func(int) uint64 { return 5 }, func(int) bool { return true }, time.Hour, 3},
	} {
		clock, strikes := clock{limit: limit}, 0
		for i := range 100 {
			if clock.tick(at.Add(time.Duration(i)*c.every), c.head(i), c.running(i)) && strikes == 0 {
				strikes = i + 1
			}
		}
		if strikes != c.strikes {
			t.Errorf("%s: struck at look %d, want %d", name, strikes, c.strikes)
		}
	}
}
