package attack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cost is what the server takes of the host.
type cost struct {
	memory int64 // bytes that are its own: RssAnon
	disk   int64 // bytes of its data and its temporary files
	used   int64 // bytes in use on their disk, which others write to as well
}

// cost measures what the server takes at this moment.
func (s *site) cost() (c cost, err error) {
	if c.memory, err = rssAnon(s.PID()); err != nil {
		return c, err
	}
	for _, dir := range []string{s.DataDir, s.tmp} {
		size, err := sizeOf(dir)
		if err != nil {
			return c, err
		}
		c.disk += size
	}
	var on syscall.Statfs_t
	if err := syscall.Statfs(s.DataDir, &on); err != nil {
		return c, err
	}
	c.used = int64(on.Blocks-on.Bfree) * on.Bsize
	return c, nil
}

// rssAnon is a process's memory without the files that it has mapped.
func rssAnon(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kibibytes int64
		if _, err := fmt.Sscanf(line, "RssAnon: %d kB", &kibibytes); err == nil {
			return kibibytes << 10, nil
		}
	}
	return 0, fmt.Errorf("no RssAnon of process %d", pid)
}

// sizeOf is what the files below dir take on the disk.
func sizeOf(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		total += info.Sys().(*syscall.Stat_t).Blocks * 512
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return sizeOf(dir) // a file has gone meanwhile
	}
	return total, err
}

// sampler keeps the peaks of the server's cost while it runs.
type sampler struct {
	quit chan struct{}
	done sync.WaitGroup
	peak cost
	err  error
}

// sampleEvery is shorter than the peaks that the sampler looks for.
const sampleEvery = 50 * time.Millisecond

func (s *site) sample() *sampler {
	p := &sampler{quit: make(chan struct{})}
	p.done.Go(func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			now, err := s.cost()
			if err != nil {
				p.err = err
				return
			}
			p.peak = cost{max(p.peak.memory, now.memory), max(p.peak.disk, now.disk), max(p.peak.used, now.used)}
			select {
			case <-p.quit:
				return
			case <-tick.C:
			}
		}
	})
	return p
}

// stop ends the sampling and gives the growth since before.
func (p *sampler) stop(t *testing.T, before cost) cost {
	t.Helper()
	close(p.quit)
	p.done.Wait()
	if p.err != nil {
		t.Fatal(p.err)
	}
	return cost{p.peak.memory - before.memory, p.peak.disk - before.disk, p.peak.used - before.used}
}

func (s *site) costNow(t *testing.T) cost {
	t.Helper()
	c, err := s.cost()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// String gives growth for people.
func (c cost) String() string {
	const mebi = 1 << 20
	return fmt.Sprintf("server %+.1f MiB, its disk %+.1f MiB (all of the host %+.1f)",
		float64(c.memory)/mebi, float64(c.disk)/mebi, float64(c.used)/mebi)
}
