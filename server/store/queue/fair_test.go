package queue_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
)

// started is a build that a worker works on until it is released.
type started struct {
	id      int64
	repo    string
	release func()
}

// TestSinglePushIsServedBesideAFlood is one repository with 200 waiting builds, and another's
// single push: with two workers on SQLite, and with three servers, each a process, on PostgreSQL.
func TestSinglePushIsServedBesideAFlood(t *testing.T) {
	t.Run("two workers on sqlite", func(t *testing.T) {
		s := sqliteStore(t)
		starts := make(chan started)
		servedBesideAFlood(t, s, starts, 2, func() { serve(t, s, Work{Workers: 2, Build: held(starts)}) })
	})
	t.Run("three processes on postgres", func(t *testing.T) {
		address := postgresURL(t)
		s := openStore(t, Options{DatabaseURL: address, DataDir: t.TempDir(), Log: testLog(t)})
		starts := make(chan started)
		servedBesideAFlood(t, s, starts, 3, func() {
			for range 3 {
				serveApart(t, address, starts)
			}
		})
	})
}

func servedBesideAFlood(t *testing.T, s *Store, starts <-chan started, workers int, begin func()) {
	for i := range 200 {
		accept(t, s, pushOf(i, "flood/repo", "main"))
	}
	begin()
	var busy []started
	for range workers {
		busy = append(busy, nextStart(t, starts))
	}
	t.Run("as workers come free one by one", func(t *testing.T) {
		single := accept(t, s, pushOf(900, "quiet/one", "main"))
		further := 0
		for ; ; further++ {
			busy[0].release()
			next := nextStart(t, starts)
			busy = append(busy[1:], next)
			if next.id == single {
				break
			}
			if further > 0 {
				t.Fatalf("two further builds of the flood were started before the single push's: %v", busy)
			}
		}
		t.Logf("further builds of the flood before it: %d", further)
	})
	t.Run("as all workers come free at once", func(t *testing.T) {
		single := accept(t, s, pushOf(901, "quiet/two", "main"))
		for _, b := range busy {
			b.release()
		}
		var ids []int64
		for range workers {
			ids = append(ids, nextStart(t, starts).id)
		}
		place := slices.Index(inOrderOfStart(t, s, ids), single)
		if place < 0 || place > 1 {
			t.Errorf("builds started at once: %v; the single push's is %d", ids, single)
		}
		t.Logf("further builds of the flood before it: %d", place)
	})
}

// inOrderOfStart sorts builds by when their attempts began, as the database has it.
func inOrderOfStart(t *testing.T, s *Store, ids []int64) (ordered []int64) {
	t.Helper()
	must(t, s.Database.Read(t.Context()).Model(&builds.Row{}).Where("id IN ?", ids).Order("started_at").
		Pluck("id", &ordered).Error)
	return ordered
}

func nextStart(t *testing.T, starts <-chan started) started {
	t.Helper()
	select {
	case b := <-starts:
		return b
	case <-time.After(time.Minute):
		t.Fatal("waited in vain for a build to be started")
		return started{}
	}
}

// held is a Build function that tells of a build and waits until it is released.
func held(starts chan<- started) func(context.Context, pipeline.Build, pipeline.Recorder) (pipeline.Outcome, error) {
	return func(ctx context.Context, b pipeline.Build, _ pipeline.Recorder) (pipeline.Outcome, error) {
		released := make(chan struct{})
		select {
		case starts <- started{b.ID, b.Repo.FullName, func() { close(released) }}:
		case <-ctx.Done():
			return pipeline.Outcome{}, context.Cause(ctx)
		}
		select {
		case <-released:
			return pipeline.Outcome{State: pipeline.Passed}, nil
		case <-ctx.Done():
			return pipeline.Outcome{}, context.Cause(ctx)
		}
	}
}

// serveApart starts a server with one worker in a process of its own.
func serveApart(t *testing.T, address string, starts chan<- started) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	child := exec.Command(self)
	child.Env = append(os.Environ(), "VIVARIUM_TEST_SERVE_URL="+address)
	child.Stderr = t.Output()
	in, err := child.StdinPipe()
	must(t, err)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	over := make(chan struct{})
	go func() {
		defer close(over)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			b := started{release: func() { fmt.Fprintln(in) }}
			if _, err := fmt.Sscan(lines.Text(), &b.id, &b.repo); err != nil {
				t.Errorf("the child said %q: %v", lines.Text(), err)
				return
			}
			select {
			case starts <- b:
			case <-t.Context().Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = child.Process.Kill() // it may have ended, which Wait tells
		<-over
		_ = child.Wait()
	})
}

// serveOnURL is the child process of serveApart: it says which build it has begun, and goes on when
// it is sent a line.
func serveOnURL(address string) {
	s, err := Open(context.Background(), Options{DatabaseURL: address})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := bufio.NewReader(os.Stdin)
	err = s.Serve(context.Background(), Work{
		Workers: 1,
		Build: func(_ context.Context, b pipeline.Build, _ pipeline.Recorder) (pipeline.Outcome, error) {
			fmt.Println(b.ID, b.Repo.FullName)
			if _, err := lines.ReadString('\n'); err == io.EOF { // the test is over
				os.Exit(0)
			}
			return pipeline.Outcome{State: pipeline.Passed}, nil
		},
	}, func() {})
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestCapHoldsAcrossProcesses: three servers on one database, each a process, and a pattern that
// may run two builds.
func TestCapHoldsAcrossProcesses(t *testing.T) {
	address := postgresURL(t)
	s := openStore(t, Options{DatabaseURL: address, DataDir: t.TempDir(), Log: testLog(t)})
	group := letIn(t, s, registry.Pattern, "school/group-*", registry.Limits{Running: 2})
	for i := range 30 {
		accept(t, s, via(pushOf(i, fmt.Sprintf("school/group-%d", i%10), "main"), group))
	}
	starts := make(chan started)
	for range 3 {
		serveApart(t, address, starts)
	}
	busy := []started{nextStart(t, starts), nextStart(t, starts)}
	for round := range 10 {
		// The third server is free for what the cap does not hold back, which shows that it works.
		free := accept(t, s, pushOf(100+round, "other/free", "main"))
		next := nextStart(t, starts)
		if next.id != free {
			t.Fatalf("round %d: build %d of %s was started beside two of the pattern, want %d", round, next.id,
				next.repo, free)
		}
		next.release()
		waitState(t, s, free, pipeline.Passed)
		busy[0].release()
		busy = append(busy[1:], nextStart(t, starts))
		if busy[1].repo == "other/free" {
			t.Fatalf("round %d: got %+v, want a build of the pattern", round, busy[1])
		}
	}
}
