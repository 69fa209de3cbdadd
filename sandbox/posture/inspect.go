package posture

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"

	"vivarium/sandbox"
)

// granted is what a container was made with, by the engine's word. It holds only what can be asked
// for.
type granted struct {
	config, host map[string]any // container.Config and container.HostConfig by their names in the API
	env          []string
	appArmor     string // the profile's name
}

func grantedBy(c container.InspectResponse) granted {
	if c.ContainerJSONBase == nil || c.Config == nil || c.HostConfig == nil {
		return granted{}
	}
	return granted{config: fields(c.Config), host: fields(c.HostConfig), env: c.Config.Env, appArmor: c.AppArmorProfile}
}

// fields are the settings that the Engine API's client knows. A setting that it does not know
// cannot be asked for.
func fields(settings any) map[string]any {
	text, err := json.Marshal(settings)
	var all map[string]any
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil { // JSON can hold all that these types hold
		panic(fmt.Sprintf("write the settings of a container: %v", err))
	}
	return all
}

// elsewhere are settings that are judged by their effect, since an engine may note them in another
// form: limits by the kernel's files, ulimits from inside.
var elsewhere = []string{"Memory", "MemorySwap", "NanoCpus", "PidsLimit", "Ulimits"}

// filled are settings that an engine fills in by itself where nothing was asked for.
var filled = []string{"Runtime", "ShmSize", "MaskedPaths", "ReadonlyPaths", "CgroupnsMode", "IpcMode", "Isolation"}

// fromImage are settings that a container has from its image, beside what was asked for. Env is
// judged apart.
var fromImage = []string{"Env", "Image", "Labels", "Cmd", "ExposedPorts", "OnBuild", "Shell", "StopSignal", "Volumes"}

// readBack compares what the engine says of the container with what it was asked for. An
// authorization plugin or a proxy in front of the engine may change the request, and the engine
// then shows the changed settings.
func (j *judgement) readBack() {
	if j.granted.host == nil {
		j.problem("the engine does not say how it made the container: let the call GET /containers/{id}/json through")
		return
	}
	config, host := sandbox.Settings(j.spec, j.info)
	changed := differing(fields(&host), j.granted.host, elsewhere)
	changed = append(changed, differing(fields(&config), j.granted.config, fromImage)...)
	for _, name := range changed {
		j.problem(
			"the engine made a container with another %s than it was asked for%s: what changes it (an authorization "+
				"plugin, "+
				"a proxy before the engine, the engine's configuration) must leave sandboxes alone",
			name,
			consequence(name),
		)
	}
	j.environment()
	if j.granted.appArmor == "unconfined" {
		j.problem("the engine runs containers without its AppArmor profile: it must not set apparmor=unconfined")
	}
}

// differing are the names of the settings that are not as asked, sorted.
func differing(asked, got map[string]any, besides []string) (names []string) {
	all := maps.Clone(asked)
	maps.Copy(all, got)
	for name := range all {
		same := equal(asked[name], got[name]) || empty(asked[name]) && slices.Contains(filled, name)
		if !same && !slices.Contains(besides, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// equal takes an empty setting and a missing one as the same.
func equal(a, b any) bool {
	x, xok := a.(map[string]any)
	y, yok := b.(map[string]any)
	if !xok || !yok {
		return empty(a) && empty(b) || reflect.DeepEqual(a, b)
	}
	all := maps.Clone(x)
	maps.Copy(all, y)
	for name := range all {
		if !equal(x[name], y[name]) {
			return false
		}
	}
	return true
}

// empty reports whether a setting asks for nothing: engines write null, 0, false and "" for one
// another.
func empty(v any) bool {
	switch v := v.(type) {
	case []any:
		return !slices.ContainsFunc(v, func(v any) bool { return !empty(v) })
	case map[string]any:
		return len(v) == 0 || !slices.ContainsFunc(slices.Collect(maps.Values(v)),
			func(v any) bool { return !empty(v) })
	}
	return v == nil || reflect.ValueOf(v).IsZero()
}

// consequences says what a changed setting may mean for builds.
var consequences = map[string]string{
	"AutoRemove":        "what builds wrote stays on the engine's disk",
	"Binds":             "builds may see files of the host",
	"CapAdd":            "builds may hold capabilities",
	"CapDrop":           "builds may hold capabilities",
	"DeviceCgroupRules": "builds may reach devices of the host",
	"DeviceRequests":    "builds may reach devices of the host",
	"Devices":           "builds may reach devices of the host",
	"ExtraHosts":        "builds learn names and addresses of your network",
	"GroupAdd":          "builds may hold groups of the host",
	"IpcMode":           "builds may share memory and queues with the host",
	"LogConfig":         "what builds send is written to the engine's disk",
	"MaskedPaths":       "builds may look into the host's kernel",
	"Mounts":            "builds may see files of the host",
	"NetworkMode":       "builds may reach a network",
	"OomKillDisable":    "a build out of memory hangs instead of being ended",
	"PidMode":           "builds may see processes of others",
	"Privileged":        "builds may do to the host whatever root can",
	"ReadonlyPaths":     "builds may change the host's kernel",
	"SecurityOpt":       "system calls may not be filtered, or privileges gained",
	"UTSMode":           "builds see and may change the host's name",
	"UsernsMode":        "user ids of builds may be those of the host",
	"User":              "builds may run as another user",
}

func consequence(name string) string {
	if text := consequences[name]; text != "" {
		return " (" + text + ")"
	}
	return ""
}

// environment: PID 1 has only the variables that the image sets. A variable's value is shown to
// nobody.
func (j *judgement) environment() {
	var strange []string
	for _, variable := range j.granted.env {
		if !slices.Contains(j.imageEnv, variable) {
			name, _, _ := strings.Cut(variable, "=")
			strange = append(strange, name)
		}
	}
	if len(strange) > 0 {
		j.problem("the engine puts %s into a container's environment, where secrets of yours may stand: "+
			"take it out of the engine's configuration (proxies, env)", strings.Join(strange, ", "))
	}
}

// ownAddress reports whether an address of /etc/hosts is the container's own or the kernel's:
// loopback, and IPv6's that every hosts file has.
func ownAddress(text string) bool {
	addr, err := netip.ParseAddr(text)
	return err == nil && (addr.IsLoopback() || addr.IsMulticast() || addr == netip.MustParseAddr("fe00::"))
}
