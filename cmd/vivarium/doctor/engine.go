package doctor

import (
	"context"
	"slices"
	"strings"

	"vivarium/images"
	"vivarium/sandbox"
	"vivarium/sandbox/posture"
	"vivarium/sandbox/quantity"
)

// Engine says what the engine is, and checks what isolates builds on it. runtime is that of the
// settings, which lacks says the engine does not have, or nil.
func Engine(c *Checkup, info sandbox.Info, runtime string, lacks error) {
	c.Add(Fine, "engine", "Docker Engine %s, API %s, %s/%s, %d CPUs, %s memory, storage %s",
		info.Version, info.APIVersion,
		info.OS, info.Arch, info.CPUs, quantity.Bytes(info.Memory), info.Storage)
	c.Add(Fine, "cgroup", "version %s", info.CgroupVersion)
	if slices.ContainsFunc(info.Security, func(s string) bool { return strings.Contains(s, "seccomp") }) {
		c.Add(Fine, "security", "%s", strings.Join(info.Security, ", "))
	} else {
		c.Add(Essential, "security", "the engine has no seccomp: system calls of builds would not be filtered; use "+
			"a kernel and an engine with it")
	}
	switch {
	case lacks != nil:
		c.Add(Essential, "runtime", "%v", lacks)
	case runtime == "":
		c.Add(Fine, "runtime", "the engine's default")
	default:
		c.Add(Fine, "runtime", "%s", runtime)
	}
}

// Images gives the engine's ID of the default image. It is empty when the image is not there, or
// not as builds get it.
func Images(ctx context.Context, c *Checkup, m *images.Manager) (id string) {
	list, err := m.List(ctx)
	if err != nil {
		c.Add(Essential, "images", "%v", err)
		return ""
	}
	for _, i := range list {
		if i.Name != images.Default {
			continue
		}
		switch stale, err := m.Stale(i); {
		case err != nil:
			c.Add(Essential, "images", "%v", err)
			return ""
		case stale:
			c.Add(Advice, "images", "%s holds another version's vivarium-init; the next start or build puts this "+
				"one's in its place", i.Name)
			return ""
		}
		c.Add(Fine, "images", "%s with Python %s, %d in all", i.Name, i.Python, len(list))
		return i.ID
	}
	c.Add(Advice, "images", "%s is not there yet; `vivarium images build` makes it, else the first start does",
		images.Default)
	return ""
}

// Posture adds a line for each finding in a sandbox.
func Posture(c *Checkup, p posture.Report) {
	for _, problem := range p.Problems {
		c.Add(Essential, "posture", "%s", problem)
	}
	if len(p.Problems) > 0 {
		return
	}
	c.Add(Fine, "posture", "a sandbox is as promised: no privileges, no network, limits in force; kernel %s", p.Kernel)
	for _, text := range p.Notes {
		c.Add(Fine, "isolation", "%s", text)
	}
	for _, text := range p.Advice {
		c.Add(Advice, "isolation", "%s", text)
	}
}
