package sandbox_test

import "testing"

// sharer leaves what System V lets outlast its processes: memory that it has filled, a queue and a semaphore.
const sharer = `
import ctypes
c = ctypes.CDLL(None, use_errno=True)
c.shmat.restype = ctypes.c_void_p
c.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
for _ in range(100):
    memory = c.shmget(0, 1 << 20, 0o1600)
    assert memory >= 0, ctypes.get_errno()
    ctypes.memset(c.shmat(memory, None, 0), 1, 1 << 20)
assert c.msgget(0, 0o1600) >= 0 and c.semget(0, 1, 0o1600) >= 0
`

// shared prints how many there are of each.
const shared = `
for kind in 'shm', 'msg', 'sem':
    try:
        print(kind, sum(1 for _ in open('/proc/sysvipc/' + kind)) - 1)
    except FileNotFoundError: # a kernel that does not list them
        print(kind, 0)
`

func TestSharedMemoryOfACommandGoesWithIt(t *testing.T) {
	s := start(t, nil)
	const none = "shm 0\nmsg 0\nsem 0\n"
	if got := mustRun(t, s, python(sharer+shared)); got == none {
		t.Errorf("control: before the command ends there is %q", got)
	}
	if got := mustRun(t, s, python(shared)); got != none {
		t.Errorf("the next command finds %q", got)
	}
}
