package attack

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"vivarium/images/imagestest"
	"vivarium/sandbox"
	"vivarium/sandbox/capacity"
	"vivarium/sandbox/engineproxy"
	"vivarium/sandbox/posture"
)

// weakening makes an engine give sandboxes less than was asked for. change gets the call that
// creates a container, and its HostConfig.
type weakening struct {
	name, tried string
	change      func(call, host map[string]any)
	want        string // part of the problem that the server names, and for which it takes no builds
}

func setting(name string, value any) func(call, host map[string]any) {
	return func(_, host map[string]any) { host[name] = value }
}

// allowingToo makes the engine take our profile with one more allowed call.
func allowingToo(call string) func(_, host map[string]any) {
	return func(_, host map[string]any) {
		options, _ := host["SecurityOpt"].([]any)
		for i, o := range options {
			options[i] = strings.Replace(fmt.Sprint(o), `"accept",`, `"accept", "`+call+`",`, 1)
		}
	}
}

var weakenings = []weakening{
	{
		"masked-paths",
		"an engine that masks no path of the kernel's",
		setting("MaskedPaths", []string{}),
		"builds can look into ",
	},
	{
		"read-only-paths",
		"an engine that makes no path of the kernel's read-only",
		setting("ReadonlyPaths", []string{}),
		"/proc/sys can be written",
	},
	{"ipc", "an engine that puts builds into the host's IPC namespace", setting("IpcMode", "host"), "another IpcMode"},
	{"uts", "an engine that puts builds into the host's UTS namespace", func(call, host map[string]any) {
		delete(call, "Hostname")
		host["UTSMode"] = "host"
	}, "have the host name"},
	{"device", "an engine that gives builds a device of the host", setting("Devices",
		[]any{map[string]any{"PathOnHost": "/dev/null", "PathInContainer": "/dev/one", "CgroupPermissions": "r"}}),
		"the character device /dev/one"},
	{"oom-killer", "an engine that turns the OOM killer off", setting("OomKillDisable", true), "OomKillDisable"},
	{
		"log",
		"an engine that writes what builds send to its disk",
		setting("LogConfig", map[string]any{"Type": "json-file"}),
		"another LogConfig",
	},
	{"environment", "an engine that puts its proxy's password into containers", func(call, _ map[string]any) {
		call["Env"] = []string{"HTTPS_PROXY=http://me:password@proxy"}
	}, "puts HTTPS_PROXY into"},
	{
		"hosts",
		"an engine that tells builds names of the local network",
		setting("ExtraHosts", []string{"registry.internal:10.1.2.3"}),
		"know a host by name",
	},
	{"bpf", "an engine whose filter lets bpf through", allowingToo("bpf"), "do not need (bpf)"},
	{"ptrace", "an engine whose filter lets ptrace through", allowingToo("ptrace"), "do not need (ptrace)"},
	{"unshare", "an engine whose filter lets unshare through", allowingToo("unshare"), "do not need (unshare)"},
	{
		"io-uring",
		"an engine whose filter lets io_uring_setup through",
		allowingToo("io_uring_setup"),
		"do not need (io_uring_setup)",
	},
	{"keyctl", "an engine whose filter lets keyctl through", allowingToo("keyctl"), "do not need (keyctl)"},
}

// TestWeakenedEngine looks at a sandbox of an engine that gives less than was asked for, as the
// server does before it takes builds. Sandboxes have the engine's default runtime, since gVisor
// answers most of this with a kernel of its own.
func TestWeakenedEngine(t *testing.T) {
	w := theWorld(t)
	look := weakenedEngine(t)
	spec := sandbox.Spec{
		Image:    imagestest.Runner(t),
		Instance: w.runner.Instance,
		Limits:   w.request(t, nil).Settings.Limits.Limits,
	}
	control, err := look(spec, func(_, _ map[string]any) {})
	if err != nil || control.Err() != nil {
		t.Fatalf("control: of an engine that is not weakened: %v, %v", err, control.Err())
	}
	for _, weak := range weakenings {
		attack(t, weak.name, weak.tried, func(t *testing.T, l *line) {
			l.control = "where it is not changed a sandbox is as promised"
			got, err := look(spec, weak.change)
			if err != nil {
				t.Fatal(err)
			}
			for _, problem := range got.Problems {
				if strings.Contains(problem, weak.want) {
					l.outcome = "no build is taken: " + problem
				}
			}
			if l.outcome == "" {
				t.Errorf("nobody notices: %q", got.Problems)
			}
		})
	}
}

// weakenedEngine gives a function that looks at a sandbox of an engine whose calls were changed.
func weakenedEngine(t *testing.T) func(sandbox.Spec, func(call, host map[string]any)) (posture.Report, error) {
	t.Helper()
	var mu sync.Mutex
	var change func(call, host map[string]any)
	proxy, err := engineproxy.Start(func(r *http.Request) error {
		if !engineproxy.CreatesContainer(r) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		return engineproxy.ChangeCall(r, func(call map[string]any) error {
			host, _ := call["HostConfig"].(map[string]any)
			change(call, host)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("DOCKER_HOST", proxy.Host)
	engine, err := sandbox.Connect(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return func(spec sandbox.Spec, weaken func(call, host map[string]any)) (posture.Report, error) {
		mu.Lock()
		change = weaken
		mu.Unlock()
		spec.Deadline = time.Now().Add(patience(t, time.Minute))
		return posture.Look(t.Context(), engine, spec)
	}
}

// TestLabel lets a stranger set a sandbox's label on a container that never ends, to hold the
// server's builds back.
func TestLabel(t *testing.T) {
	w := theWorld(t)
	engine := w.runner.Engine
	all := engine.Info().Memory
	watch := capacity.NewWatch(engine, nil)
	t.Cleanup(watch.Close)
	limits := w.request(t, nil).Settings.Limits.Limits
	admission := capacity.NewAdmission(engine, watch, w.runner.Instance, limits, 0, slog.New(slog.DiscardHandler))
	enters := func(t *testing.T, patience time.Duration) bool {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		defer admission.Enter(ctx)()
		return ctx.Err() == nil
	}
	attack(t, "for-ever", "holding builds back by a container with a sandbox's label", func(t *testing.T, l *line) {
		claim := w.labelled(t, all, time.Now().Add(time.Hour))
		if enters(t, patience(t, 3*time.Second)) {
			t.Error("control: beside another server's sandbox that may use all memory a build begins")
		}
		w.remove(t, claim)
		l.control = "a sandbox of another server's holds them back until it ends"
		w.labelled(t, all, time.Now().AddDate(50, 0, 0))
		if !enters(t, patience(t, 30*time.Second)) {
			t.Fatal("builds wait for it")
		}
		l.outcome = "a build begins beside a container that says it is a sandbox for fifty years"
	})
}

// labelled runs a container that claims to be a sandbox.
func (w *world) labelled(t *testing.T, memory int64, deadline time.Time) (id string) {
	t.Helper()
	c, err := w.docker.ContainerCreate(t.Context(), &container.Config{
		Image: imagestest.Runner(t), Entrypoint: []string{"sleep", "600"},
		Labels: map[string]string{
			sandbox.LabelInstance: "a-stranger",
			sandbox.LabelDeadline: deadline.UTC().Format(time.RFC3339),
		},
	}, &container.HostConfig{
		NetworkMode: "none", AutoRemove: true, Resources: container.Resources{Memory: memory, MemorySwap: memory},
	}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := w.docker.ContainerRemove(context.WithoutCancel(t.Context()), c.ID, container.RemoveOptions{Force: true})
		if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) { // one that is being removed already
			t.Error(err)
		}
	})
	if err := w.docker.ContainerStart(t.Context(), c.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	return c.ID
}
