package queue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/trouble"
	"vivarium/server/store/queue"
	"vivarium/server/store/queue/patience"
)

// TestNoBuildIsGivenUpWhereServersAreKilledEveryFewSeconds takes the store through hours of kills
// by a clock of its own: two workers, builds of 1 to 10 s, servers that live 6 s in the mean.
func TestNoBuildIsGivenUpWhereServersAreKilledEveryFewSeconds(t *testing.T) {
	s := sqliteStore(t)
	now := time.Now()
	s.Database.Now = func() time.Time { return now }
	r := rand.New(rand.NewPCG(3, 4))
	takes := map[int64]time.Duration{}
	for i := range 30 {
		id := accept(t, s, pushOf(i, fmt.Sprintf("octo/repo-%d", i%7), "main"))
		takes[id] = time.Duration(1+r.IntN(10)) * time.Second
	}
	deaths := 0
	for ; deaths < 2000; deaths++ {
		s.BecomeServer(fmt.Sprintf("server-%d", deaths))
		must(t, s.Enter(t.Context()))
		must(t, s.RequeueLost(t.Context(), true))
		if waiting, err := s.Builds.Waiting(t.Context()); err != nil || waiting == 0 {
			must(t, err)
			break
		}
		now = liveUntil(t, s, &now, now.Add(time.Duration(6*float64(time.Second)*r.ExpFloat64())), takes)
	}
	most := 0
	for id := range takes {
		b, err := s.Builds.Get(t.Context(), id)
		must(t, err)
		if most = max(most, b.Attempt); b.State != pipeline.Passed {
			t.Errorf("build %d of %s, attempt %d, ended %s: %s", id, takes[id], b.Attempt, b.State, b.Summary)
		}
	}
	t.Logf("%d builds, %d deaths, at most %d attempts", len(takes), deaths, most)
}

// liveUntil works with two workers until a server's death, or until all builds have ended.
func liveUntil(t *testing.T, s *Store, now *time.Time, death time.Time, takes map[int64]time.Duration) time.Time {
	t.Helper()
	ends := map[int64]time.Time{}
	rows := map[int64]builds.Row{}
	for {
		for len(rows) < 2 {
			b, ok, err := s.ClaimNow(t.Context())
			must(t, err)
			if !ok {
				break
			}
			rows[b.ID], ends[b.ID] = b, now.Add(takes[b.ID])
		}
		first, at := int64(0), now.Add(time.Second) // idle: it looks again
		for id, end := range ends {
			if first == 0 || end.Before(at) {
				first, at = id, end
			}
		}
		if !at.Before(death) {
			return death
		}
		*now = at
		if first != 0 {
			must(t, s.Finish(t.Context(), rows[first], pipeline.Outcome{State: pipeline.Passed}))
			delete(rows, first)
			delete(ends, first)
		} else if waiting, err := s.Builds.Waiting(t.Context()); err != nil || waiting == 0 {
			must(t, err)
			return *now
		}
	}
}

// mortal is the build of a child that is killed, or kills itself.
func mortal(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
	if err := say(ctx, rec, pipeline.StepClone, "begun\n"); err != nil {
		return pipeline.Outcome{}, err
	}
	if b.Message == "kills" {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	takes := 200 * time.Millisecond
	if b.Message == "slow" {
		takes = 1500 * time.Millisecond // longer than any server of the tests lives
	}
	select {
	case <-time.After(takes):
		return pipeline.Outcome{State: pipeline.Passed, Summary: "1 test", Image: "python-3.11"}, nil
	case <-ctx.Done():
		return pipeline.Outcome{}, context.Cause(ctx)
	}
}

// serveMortals is the child of the tests below.
func serveMortals(dir string) {
	patience.MinHold = 20 * time.Millisecond
	s, err := Open(context.Background(), Options{DataDir: dir})
	if err == nil {
		err = s.Serve(context.Background(), Work{Workers: 3, Build: mortal}, func() { fmt.Println("ready") })
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// startMortals starts a serving process, and returns once it works or has died.
func startMortals(t *testing.T, dir string) (child *exec.Cmd, out io.Reader) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	child = exec.Command(self)
	child.Env = append(os.Environ(), "VIVARIUM_TEST_MORTALS_DIR="+dir)
	child.Stderr = t.Output()
	out, err = child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	t.Cleanup(func() { _ = child.Process.Kill() })
	_, _ = out.Read(make([]byte, 1))
	return child, out
}

// TestKillsOfServersEndNoBuild kills a server with three workers again and again, at random moments
// of its builds.
func TestKillsOfServersEndNoBuild(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, Options{DataDir: dir, Log: testLog(t)})
	var ids []int64
	for i := range 12 {
		p := pushOf(i, fmt.Sprintf("octo/repo-%d", i%5), "main")
		if i < 3 {
			p.Message = "slow"
		}
		ids = append(ids, accept(t, s, p))
	}
	const kills = 20
	for i := range kills {
		child, _ := startMortals(t, dir)
		time.Sleep(time.Duration(20+rand.IntN(500)) * time.Millisecond) // the moment is what is tried
		must(t, child.Process.Kill())
		_ = child.Wait()
		if i%6 == 5 { // there is always something to kill
			ids = append(ids, accept(t, s, pushOf(100+i, "octo/more", "main")))
		}
	}
	serve(t, s, Work{Workers: 3, Build: mortal})
	most := 0
	for _, id := range ids {
		most = max(most, waitEnd(t, s, id, pipeline.Passed).Attempt)
	}
	t.Logf("%d builds passed after %d kills, the one that was hit most at attempt %d", len(ids), kills, most)
}

// TestBuildThatKillsItsServerIsGivenUpAlone: those that died with it pass.
func TestBuildThatKillsItsServerIsGivenUpAlone(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, Options{DataDir: dir, Log: testLog(t)})
	p := pushOf(0, "octo/killer", "main")
	p.Message = "kills"
	killer := accept(t, s, p)
	var ids []int64
	for i := range 6 {
		ids = append(ids, accept(t, s, pushOf(1+i, fmt.Sprintf("octo/repo-%d", i), "main")))
	}
	deaths := 0
	for ; ; deaths++ {
		b, err := s.Builds.Get(t.Context(), killer)
		must(t, err)
		if b.State.Ended() {
			if b.Cause != pipeline.CauseInternal {
				t.Errorf("it ended %s: %s", b.Cause, b.Summary)
			}
			break
		}
		if deaths > 20 {
			t.Fatalf("it has killed %d servers and goes on", deaths)
		}
		child, out := startMortals(t, dir)
		ended := make(chan struct{})
		go func() { _, _ = io.Copy(io.Discard, out); _ = child.Wait(); close(ended) }()
		eventually(t, "the server dies, or the build is given up", func() bool {
			select {
			case <-ended:
				return true
			default:
			}
			b, err := s.Builds.Get(t.Context(), killer)
			return err == nil && b.State.Ended()
		})
		_ = child.Process.Kill()
		<-ended
	}
	t.Logf("it killed %d servers", deaths)
	serve(t, s, Work{Workers: 3, Build: mortal})
	for _, id := range ids {
		waitEnd(t, s, id, pipeline.Passed)
	}
}

// waitEnd waits for the end of a build, which must be want.
func waitEnd(t *testing.T, s *Store, id int64, want pipeline.State) (b pipeline.Build) {
	t.Helper()
	eventually(t, fmt.Sprintf("the end of build %d", id), func() bool {
		var err error
		b, err = s.Builds.Get(t.Context(), id)
		must(t, err)
		return b.State.Ended()
	})
	if b.State != want {
		t.Errorf("build %d ended %s, %s: %s; want %s", id, b.State, b.Cause, b.Summary, want)
	}
	return b
}

// TestBuildWhoseSandboxWasLostIsTriedAgainAndNotForEver: nobody can tell whether it was the engine
// or the build.
func TestBuildWhoseSandboxWasLostIsTriedAgainAndNotForEver(t *testing.T) {
	s := sqliteStore(t)
	lost := pipeline.Outcome{State: pipeline.Errored, Cause: pipeline.CauseEngine,
		Summary: "the sandbox was ended by SIGKILL", Unclear: true}
	once, always := accept(t, s, push(1)), accept(t, s, push(2))
	stop := serve(t, s, Work{Workers: 1,
		Build: func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
			if b.ID == once && b.Attempt > 1 {
				return passing(ctx, b, rec)
			}
			return lost, nil
		}})
	if b := waitEnd(t, s, once, pipeline.Passed); b.Attempt != 2 {
		t.Errorf("the one that was lost once passed at attempt %d", b.Attempt)
	}
	stop()
	for n := 1; ; n++ {
		b, err := s.Builds.Get(t.Context(), always)
		must(t, err)
		if b.State.Ended() {
			if b.Cause != pipeline.CauseEngine || b.Attempt != patience.MaxLosses {
				t.Errorf("the one that always is ended %s at attempt %d: %s", b.Cause, b.Attempt, b.Summary)
			}
			break
		}
		s.Database.Now = func() time.Time { return time.Now().Add(time.Duration(n) * time.Hour) }
		row, ok, err := s.Claim(t.Context(), 0, "me")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		must(t, s.Database.Transact(t.Context(), func(tx *database.Tx) error {
			return s.Requeue(t.Context(), tx, &row, queue.Loss{Why: "was lost: " + lost.Summary, End: &lost})
		}))
	}
}

// TestTroubleOfTheDatabaseEndsNoBuild: its disk stays full for hours, while the little that queues
// a build again finds room.
func TestTroubleOfTheDatabaseEndsNoBuild(t *testing.T) {
	full := fmt.Errorf("store the log: %w",
		&trouble.Error{Kind: trouble.ErrDiskFull, Err: errors.New("database or disk is full (13)")})
	for name, c := range map[string]struct {
		err  error
		most int // attempts before it is given up; 0: it is not
	}{
		"a full disk": {full, 0}, "control: a mistake": {errors.New("no such table"), patience.MaxLosses},
	} {
		t.Run(name, func(t *testing.T) {
			s := sqliteStore(t)
			forward := clockOf(s)
			id, began := accept(t, s, push(1)), s.Database.Now()
			for n := 1; n <= 4*patience.MaxLosses; n++ {
				row, ok, err := s.Claim(t.Context(), 0, "me")
				if err != nil || !ok {
					t.Fatal(n, ok, err)
				}
				must(t, s.Abandon(t.Context(), row, c.err))
				must(t, s.Database.Read(t.Context()).Take(&row, id).Error)
				if row.State.Ended() {
					if n != c.most {
						t.Errorf("it was given up after %d attempts: %s", n, row.Summary)
					}
					return
				}
				forward(max(database.FromMicros(row.NotBefore).Sub(s.Database.Now()), 0))
			}
			if c.most > 0 {
				t.Errorf("it is never given up")
			}
			if took := s.Database.Now().Sub(began); took < 10*time.Minute {
				t.Errorf("%d attempts came within %s", 4*patience.MaxLosses, took)
			}
		})
	}
}
