package capacity

import (
	"fmt"

	"vivarium/sandbox"
	"vivarium/sandbox/quantity"
)

// usable is the part of an engine's memory that sandboxes may have: all but the reserve. A reserve
// of 0 means a quarter.
func usable(info sandbox.Info, reserve int64) int64 {
	if reserve == 0 {
		return info.Memory / 4 * 3
	}
	return max(0, info.Memory-reserve)
}

// Workers is how many sandboxes with these limits fit the engine at one time: one for each CPU,
// fewer if the memory less the reserve does not suffice, but at least one.
func Workers(info sandbox.Info, l sandbox.Limits, reserve int64) int {
	return max(1, min(info.CPUs, int(usable(info, reserve)/l.Whole())))
}

// Check reports why so many sandboxes (workers) with these limits do not fit the engine's memory
// less a reserve, in bytes. A reserve of 0 means a quarter of the memory.
func Check(info sandbox.Info, l sandbox.Limits, workers int, reserve int64) error {
	if err := l.Check(); err != nil {
		return err
	}
	if l.CPUs > float64(info.CPUs) {
		return fmt.Errorf("%g CPUs for a sandbox are more than the engine's %d: lower VIVARIUM_CPUS", l.CPUs, info.CPUs)
	}
	need := int64(workers) * l.Whole()
	if most := usable(info, reserve); need > most {
		return fmt.Errorf("%d workers × (%s) = %s, but sandboxes may use %s, the engine's %s less a reserve of %s: "+
			"lower VIVARIUM_WORKERS, VIVARIUM_MEMORY, VIVARIUM_DISK or VIVARIUM_MEMORY_RESERVE", workers, sum(l),
			quantity.Bytes(need), quantity.Bytes(most), quantity.Bytes(info.Memory), quantity.Bytes(info.Memory-most))
	}
	return nil
}

// sum writes out what one sandbox may take.
func sum(l sandbox.Limits) string {
	text := "memory " + quantity.Bytes(l.Memory) + " + disk " + quantity.Bytes(l.Disk)
	if l.Sockets > 0 {
		text += " + sockets " + quantity.Bytes(l.Sockets)
	}
	return text
}
