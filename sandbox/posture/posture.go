// Package posture looks at one sandbox from inside, and at what the engine says of it, and names
// the promises that the sandbox does not keep.
package posture

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"vivarium/sandbox"
)

// Report is what a look at a sandbox from inside found, compared with its spec.
type Report struct {
	Kernel   string   // KernelLinux or KernelGVisor: what answers system calls inside
	Problems []string // what is not as promised, and what to do; empty when all is well
	Advice   []string // what would isolate builds better, and how to get it; stops no build
	Notes    []string // what is kept in another way, or is not known
}

// The kernels that are told apart.
const (
	KernelLinux  = "Linux"
	KernelGVisor = "gVisor"
)

// Err is nil when all is as promised.
func (r Report) Err() error {
	if len(r.Problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(r.Problems, "; "))
}

//go:embed posture.py
var script string

const (
	// timeout is long enough for gVisor under emulation, where Python takes seconds to start.
	timeout = time.Minute
	// maxOutput bounds what is read from inside: twenty texts of at most 64 KiB. Few of them reach
	// 4 KiB.
	maxOutput = 512 << 10
)

// Look starts a sandbox of spec as builds get it and looks at it from inside. This finds an engine
// that silently drops a limit. An error means that no sandbox could be looked at.
func Look(ctx context.Context, e *sandbox.Engine, spec sandbox.Spec) (Report, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	o, err := openOracle(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("look at a sandbox: %w", err)
	}
	defer o.Close()
	s, err := e.Start(ctx, spec)
	if err != nil {
		return Report{}, err
	}
	f, spec, err := collect(ctx, s, o.targets)
	if err = errors.Join(err, s.Close()); err != nil {
		return Report{}, fmt.Errorf("look at a sandbox: %w", err)
	}
	return judge(f, spec, e.Info()), nil
}

// collect returns what the sandbox says of itself, what the engine says of it, and the spec by
// which it was made.
func collect(ctx context.Context, s *sandbox.Sandbox, targets []target) (facts, sandbox.Spec, error) {
	text, err := lookAround(ctx, s, targets)
	if err != nil {
		return facts{}, sandbox.Spec{}, err
	}
	f, err := parseFacts(text)
	if err != nil {
		return facts{}, sandbox.Spec{}, err
	}
	i, err := s.Inspect(ctx)
	if err != nil {
		return facts{}, sandbox.Spec{}, err
	}
	f.targets = targets
	f.warnings = i.Warnings
	f.accepted = acceptedBy(i.Container)
	f.granted = grantedBy(i.Container)
	f.imageEnv = i.ImageEnv
	if f.host = hostCgroup(i.Container); f.host.known() {
		text, _ := os.ReadFile("/proc/meminfo") // if missing, the amount of swap is not known
		f.meminfo = string(text)
	}
	return f, i.Spec, nil
}

// lookAround runs the script that looks at the sandbox from inside.
func lookAround(ctx context.Context, s *sandbox.Sandbox, targets []target) ([]byte, error) {
	argv, err := command(targets)
	if err != nil {
		return nil, err
	}
	c := sandbox.Command{Argv: argv, Dir: "/", Timeout: timeout}
	var stdout, stderr bytes.Buffer
	r, err := s.Run(ctx, c, func(stream sandbox.Stream, p []byte) error {
		to := &stdout
		if stream == sandbox.Stderr {
			to = &stderr
		}
		if to.Len()+len(p) > maxOutput {
			return errors.New("it says more than can be true")
		}
		to.Write(p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !r.Success() {
		return nil, fmt.Errorf("the script that looks around ended with exit code %d %s %s: %.500s",
			r.ExitCode, r.Signal, r.DiskFull, stderr.String())
	}
	return stdout.Bytes(), nil
}

// questions is the argument of posture.py.
type questions struct {
	Dials  [][2]string `json:"dials"`
	Closed []string    `json:"closed"`
}

func command(targets []target) ([]string, error) {
	q := questions{Closed: closed}
	for _, t := range targets {
		q.Dials = append(q.Dials, [2]string{t.host, t.port})
	}
	text, err := json.Marshal(q)
	return []string{"python3", "-I", "-c", script, string(text)}, err
}

// accepted are the limits that a container has by the engine's word. A limit that the engine cannot
// set is missing here.
type accepted struct {
	memory, swap, cpus, pids int64 // swap is memory and swap together; cpus is in billionths of a CPU
}

func acceptedBy(c container.InspectResponse) accepted {
	var a accepted
	if c.ContainerJSONBase == nil || c.HostConfig == nil {
		return a
	}
	r := c.HostConfig.Resources
	a.memory, a.swap, a.cpus = r.Memory, r.MemorySwap, r.NanoCPUs
	if r.PidsLimit != nil {
		a.pids = *r.PidsLimit
	}
	return a
}
