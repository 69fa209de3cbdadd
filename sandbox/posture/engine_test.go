package posture_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"go.uber.org/goleak"

	"vivarium/images/imagestest"
	"vivarium/sandbox"
	"vivarium/sandbox/engineproxy"
	"vivarium/sandbox/posture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func spec(e *sandbox.Engine, image string) sandbox.Spec {
	l := sandbox.DefaultLimits(e.Info())
	l.Memory, l.Disk, l.FileSize = 256<<20, 96<<20, 96<<20
	return sandbox.Spec{
		Image: image, Instance: "vivarium-posture-test", Runtime: imagestest.Runtime(),
		Deadline: time.Now().Add(5 * time.Minute), Limits: l,
	}
}

func connect(t *testing.T) *sandbox.Engine {
	t.Helper()
	imagestest.RequireEngine(t)
	e, err := sandbox.Connect(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close engine: %v", err)
		}
	})
	return e
}

func TestPostureOfASandboxIsAsPromised(t *testing.T) {
	e := connect(t)
	sp := spec(e, imagestest.Runner(t))
	p, err := posture.Look(t.Context(), e, sp)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("kernel %s, notes %q", p.Kernel, p.Notes)
	if p.Err() != nil {
		t.Errorf("a sandbox that is as it should be: %v", p.Err())
	}
	if gvisor := p.Kernel == posture.KernelGVisor; gvisor != strings.Contains(sp.Runtime, "runsc") {
		t.Errorf("the runtime %q gives the kernel %s", sp.Runtime, p.Kernel)
	}
}

// TestPostureFindsEachSettingThatIsNotKept has the engine make the container with one wrong setting
// at a time. It uses the engine's default runtime, whose kernel is the host's.
func TestPostureFindsEachSettingThatIsNotKept(t *testing.T) {
	look, e := weakened(t)
	sp := spec(e, imagestest.Runner(t))
	sp.Runtime = ""
	for _, c := range []struct {
		name   string
		change func(*container.Config, *container.HostConfig)
		want   string
	}{
		{
			"no limit of processes",
			func(_ *container.Config, h *container.HostConfig) { h.PidsLimit = nil },
			"processes are limited to nothing",
		},
		{
			"more processes",
			func(_ *container.Config, h *container.HostConfig) { n := *h.PidsLimit + 1; h.PidsLimit = &n },
			"processes are limited to",
		},
		{"as much swap as memory", func(_ *container.Config, h *container.HostConfig) { h.MemorySwap *= 2 }, "swap"},
		{
			"no limit of memory",
			func(_ *container.Config, h *container.HostConfig) { h.Memory, h.MemorySwap = 0, 0 },
			"memory is limited to nothing",
		},
		{
			"no limit of CPUs",
			func(_ *container.Config, h *container.HostConfig) { h.NanoCPUs = 0 },
			"CPUs are limited to nothing",
		},
		{
			"a capability",
			func(_ *container.Config, h *container.HostConfig) { h.CapAdd = []string{"NET_RAW"} },
			"builds hold capabilities",
		},
		{
			"all of Docker's capabilities",
			func(_ *container.Config, h *container.HostConfig) { h.CapDrop = nil },
			"builds hold capabilities",
		},
		{
			"a network",
			func(_ *container.Config, h *container.HostConfig) { h.NetworkMode = "bridge" },
			"builds have the network interface eth0",
		},
		{
			"the host's network",
			func(_ *container.Config, h *container.HostConfig) { h.NetworkMode = "host" },
			"builds reach this machine at 127.0.0.1",
		},
		{
			"no filter",
			func(_ *container.Config, h *container.HostConfig) { h.SecurityOpt[1] = "seccomp=unconfined" },
			"not filtered",
		},
		{
			"the engine's own filter",
			func(_ *container.Config, h *container.HostConfig) { h.SecurityOpt = h.SecurityOpt[:1] },
			"another profile",
		},
		{
			"new privileges",
			func(_ *container.Config, h *container.HostConfig) { h.SecurityOpt = h.SecurityOpt[1:] },
			"set-uid programs",
		},
		{"root", func(c *container.Config, _ *container.HostConfig) { c.User = "0:0" }, "builds run with uid"},
		{
			"root's group",
			func(c *container.Config, _ *container.HostConfig) { c.User = "10001:0" },
			"builds run with gid",
		},
		{
			"another group",
			func(_ *container.Config, h *container.HostConfig) { h.GroupAdd = []string{"999"} },
			"builds run with the groups",
		},
		{
			"a root that can be written",
			func(_ *container.Config, h *container.HostConfig) { h.ReadonlyRootfs = false },
			"/ can be written",
		},
		{
			"a privileged container",
			func(_ *container.Config, h *container.HostConfig) { h.Privileged = true },
			"/sys can be written",
		},
		{
			"a folder of the host",
			func(_ *container.Config, h *container.HostConfig) { h.Binds = []string{"/etc:/host:ro"} },
			"/host is mounted inside",
		},
		{
			"a socket of the host",
			func(_ *container.Config, h *container.HostConfig) { h.Binds = []string{"/run:/run"} },
			"/run is mounted inside",
		},
		{"a tmpfs without size", func(_ *container.Config, h *container.HostConfig) {
			h.Tmpfs[sandbox.Tmp] = strings.ReplaceAll(h.Tmpfs[sandbox.Tmp], "size=",
				"mpol=default,size=1000000000,gid=")
		}, "/tmp holds"},
		// PID 1 may also take the image's file system as full, and end the script.
		{
			"a place that is missing",
			func(_ *container.Config, h *container.HostConfig) { delete(h.Tmpfs, sandbox.Home) },
			"/home/vivarium",
		},
		{"a tmpfs without exec", func(_ *container.Config, h *container.HostConfig) {
			h.Tmpfs[sandbox.Env] = strings.ReplaceAll(h.Tmpfs[sandbox.Env], ",exec", "")
		}, "mounted with noexec"},
		{"a tmpfs with more files", func(_ *container.Config, h *container.HostConfig) {
			h.Tmpfs[sandbox.Shm] = strings.ReplaceAll(h.Tmpfs[sandbox.Shm], "nr_inodes=", "nr_inodes=1")
		}, "/dev/shm holds"},
		{
			"no limits of a process",
			func(_ *container.Config, h *container.HostConfig) { h.Ulimits = nil },
			`the limit "core"`,
		},
		{
			"masked paths emptied",
			func(_ *container.Config, h *container.HostConfig) { h.MaskedPaths = []string{} },
			"builds can look into ",
		},
		{
			"read-only paths emptied",
			func(_ *container.Config, h *container.HostConfig) { h.ReadonlyPaths = []string{} },
			"/proc/sys can be written",
		},
		{
			"the host's IPC",
			func(_ *container.Config, h *container.HostConfig) { h.IpcMode = "host" },
			"another IpcMode than",
		},
		{
			"IPC that others may join",
			func(_ *container.Config, h *container.HostConfig) { h.IpcMode = "shareable" },
			"another IpcMode than",
		},
		{
			"the host's UTS",
			func(c *container.Config, h *container.HostConfig) { c.Hostname, h.UTSMode = "", "host" },
			"have the host name",
		},
		{
			"the host's UTS, as inspect has it",
			func(c *container.Config, h *container.HostConfig) { c.Hostname, h.UTSMode = "", "host" },
			"another UTSMode than",
		},
		{
			"the host's processes",
			func(_ *container.Config, h *container.HostConfig) { h.PidMode = "host" },
			"runs as PID 1 of a Vivarium sandbox only",
		},
		// An engine on version 2 of cgroups warns that it discards this.
		{
			"no OOM killer",
			func(_ *container.Config, h *container.HostConfig) { off := true; h.OomKillDisable = &off },
			"OomKillDisable",
		},
		{"a device of the host", func(_ *container.Config, h *container.HostConfig) {
			h.Devices = []container.DeviceMapping{{
				PathOnHost:        "/dev/loop-control",
				PathInContainer:   "/dev/one",
				CgroupPermissions: "r",
			}}
		}, "the character device /dev/one"},
		{"a device of the host, as inspect has it", func(_ *container.Config, h *container.HostConfig) {
			h.Devices = []container.DeviceMapping{{
				PathOnHost:        "/dev/null",
				PathInContainer:   "/dev/tty",
				CgroupPermissions: "r",
			}}
		}, "another Devices than"},
		{
			"devices let in by rule",
			func(_ *container.Config, h *container.HostConfig) { h.DeviceCgroupRules = []string{"b 7:* rmw"} },
			"another DeviceCgroupRules than",
		},
		{
			"a log on the engine's disk",
			func(_ *container.Config, h *container.HostConfig) { h.LogConfig.Type = "json-file" },
			"another LogConfig than",
		},
		{"secrets of a proxy", func(c *container.Config, _ *container.HostConfig) {
			c.Env = []string{"HTTPS_PROXY=http://me:canary@proxy"}
		}, "puts HTTPS_PROXY into"},
		{"extra hosts", func(_ *container.Config, h *container.HostConfig) {
			h.ExtraHosts = []string{"registry.internal:10.1.2.3"}
		}, "know a host by name (registry.internal)"},
		{"extra hosts, as inspect has it", func(_ *container.Config, h *container.HostConfig) {
			h.ExtraHosts = []string{"registry.internal:10.1.2.3"}
		}, "another ExtraHosts than"},
		{
			"no removal at the end",
			func(_ *container.Config, h *container.HostConfig) { h.AutoRemove = false },
			"another AutoRemove than",
		},
		{
			"the host's cgroups",
			func(_ *container.Config, h *container.HostConfig) { h.CgroupnsMode = "host" },
			"builds see the host's cgroups",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := look(t.Context(), sp, c.change)
			got := fmt.Sprint(p.Err(), err)
			if !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q among it", got, c.want)
			}
			if strings.Contains(got, "canary") {
				t.Errorf("a secret of the engine's stands in %q", got)
			}
		})
	}
}

// TestPostureFindsACallThatTheProfileLetsThrough has the engine use our profile with one more call
// allowed, or with all calls allowed but our rule for sockets. What the engine says is left out:
// the calls themselves must tell.
func TestPostureFindsACallThatTheProfileLetsThrough(t *testing.T) {
	look, e := weakened(t)
	sp := spec(e, imagestest.Runner(t))
	sp.Runtime = ""
	for _, call := range []string{
		"bpf",
		"ptrace",
		"unshare",
		"io_uring_setup",
		"keyctl",
		"process_vm_readv",
		"add_key",
		"setns",
		"userfaultfd",
	} {
		t.Run(call, func(t *testing.T) {
			p, err := look(t.Context(), sp, func(_ *container.Config, h *container.HostConfig) {
				h.SecurityOpt[1] = strings.Replace(h.SecurityOpt[1], `"accept",`, `"accept", "`+call+`",`, 1)
			})
			if got := fmt.Sprint(p.Err(), err); !strings.Contains(got,
				"system calls that they do not need ("+call+")") {
				t.Errorf("got %q, want %s named", got, call)
			}
		})
	}
}

// change is what an engine makes of a container's settings.
type change func(*container.Config, *container.HostConfig)

// weakened returns a look at a sandbox that an engine made with other settings than asked for, and
// that engine.
func weakened(
	t *testing.T,
) (look func(context.Context, sandbox.Spec, change) (posture.Report, error), e *sandbox.Engine) {
	t.Helper()
	imagestest.RequireEngine(t)
	var mu sync.Mutex
	var weaken change
	proxy, err := engineproxy.Start(func(r *http.Request) error {
		if !engineproxy.CreatesContainer(r) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		return engineproxy.ChangeCall(r, func(call map[string]any) error { return changed(call, weaken) })
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
	e = connect(t)
	return func(ctx context.Context, spec sandbox.Spec, c change) (posture.Report, error) {
		mu.Lock()
		weaken = c
		mu.Unlock()
		return posture.Look(ctx, e, spec)
	}, e
}

// changed makes the change to the call that creates a container.
func changed(call map[string]any, c change) error {
	text, err := json.Marshal(call)
	if err != nil {
		return err
	}
	var typed container.CreateRequest
	if err := json.Unmarshal(text, &typed); err != nil {
		return err
	}
	c(typed.Config, typed.HostConfig)
	if text, err = json.Marshal(typed); err != nil {
		return err
	}
	clear(call)
	return json.Unmarshal(text, &call)
}
