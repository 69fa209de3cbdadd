package sandbox_test

import (
	"testing"

	"vivarium/images/imagestest"
)

// sharer leaves System V objects, which outlast its processes: memory that it has filled, a queue
// and a semaphore.
const sharer = `
import ctypes
c = ctypes.CDLL(None, use_errno=True)
c.shmat.restype = ctypes.c_void_p
c.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
for key in range(1, 101):
    memory = c.shmget(key, 1 << 20, 0o1600)
    assert memory >= 0, ctypes.get_errno()
    ctypes.memset(c.shmat(memory, None, 0), 1, 1 << 20)
assert c.msgget(1, 0o1600) >= 0 and c.semget(1, 1, 0o1600) >= 0
`

// shared counts the objects that exist.
const shared = `
import ctypes
c = ctypes.CDLL(None)
print(sum(c.shmget(key, 0, 0) >= 0 for key in range(1, 101)), c.msgget(1, 0) >= 0, c.semget(1, 0, 0) >= 0)
`

func TestSharedMemoryOfACommandGoesWithIt(t *testing.T) {
	s := start(t, nil)
	const all, none = "100 True True\n", "0 False False\n"
	if got := mustRun(t, s, python(sharer+shared)); got != all {
		t.Errorf("control: before the command ends there is %q", got)
	}
	want := none
	if imagestest.GVisor() { // gVisor lists none, so PID 1 cannot know of them: docs/gvisor.md
		want = all
	}
	if got := mustRun(t, s, python(shared)); got != want {
		t.Errorf("the next command finds %q, want %q", got, want)
	}
}
