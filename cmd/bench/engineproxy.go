package main

import (
	"fmt"
	"net/http"
	"sync/atomic"

	"vivarium/sandbox/engineproxy"
)

// engineProxy passes calls on to the engine. While soft is set, it removes the hardening from each
// call that creates a container, and counts these calls.
type engineProxy struct {
	*engineproxy.Proxy
	soft  atomic.Bool
	taken atomic.Int32
}

func startEngineProxy() (p *engineProxy, err error) {
	p = &engineProxy{}
	p.Proxy, err = engineproxy.Start(p.before)
	return p, err
}

func (p *engineProxy) before(r *http.Request) error {
	if !engineproxy.CreatesContainer(r) {
		return nil
	}
	// The calls of both sides are decoded and encoded anew, so that both pay for it.
	soft := p.soft.Load()
	if err := engineproxy.ChangeSettings(r, changeFor(soft)); err != nil {
		return err
	}
	if soft {
		p.taken.Add(1)
	}
	return nil
}

// hardening are the settings of a container that its build does not need.
var hardening = []string{
	"CapDrop", "ReadonlyRootfs", "Memory", "MemorySwap", "NanoCpus", "PidsLimit", "Ulimits", "IpcMode", "CgroupnsMode",
}

// changeFor gives the change to a call: it removes the hardening if soft, and else does nothing.
func changeFor(soft bool) func(host map[string]any) error {
	return func(host map[string]any) error {
		if !soft {
			return nil
		}
		for _, name := range hardening {
			if _, ok := host[name]; !ok {
				return fmt.Errorf("the product does not set %s: is the list right?", name)
			}
			delete(host, name)
		}
		host["SecurityOpt"] = []string{"seccomp=unconfined"} // else the engine's own profile would apply
		return nil
	}
}
