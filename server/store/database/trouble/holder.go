package trouble

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// The bytes that SQLite locks in order to write: in WAL mode those of the -shm file
// (sqlite.org/walformat.html, section 2.3.1), otherwise those of the database itself (its pending
// byte at 1 GiB, and those after it).
const (
	walWriteLock  = 120
	walLastLock   = 127
	fileFirstLock = 1 << 30
	fileLastLock  = fileFirstLock + 511
)

// LockHolder names the process that holds a write lock on an SQLite database, such as "process 4711
// (sqlite3)"; empty when that cannot be seen. It reads the kernel's list. Opening the file and
// asking would, on closing it, drop this process's own locks (fcntl(2)).
func LockHolder(path string) string {
	list, err := os.ReadFile("/proc/locks")
	if err != nil {
		return ""
	}
	pid := writerIn(string(list), inode(path+"-shm"), walWriteLock, walLastLock)
	if pid == 0 {
		pid = writerIn(string(list), inode(path), fileFirstLock, fileLastLock)
	}
	if pid == 0 || pid == os.Getpid() {
		return ""
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return fmt.Sprintf("process %d", pid)
	}
	return fmt.Sprintf("process %d (%s)", pid, strings.TrimSpace(string(name)))
}

func inode(path string) uint64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return inodeOf(info)
}

func inodeOf(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}

// writerIn finds in /proc/locks (proc_locks(5)) the process that has a write lock on some of these
// bytes of a file; 0 for none. It does not compare the device: an overlay reports another one there
// than stat does.
func writerIn(list string, inode uint64, first, last int64) (pid int) {
	for line := range strings.Lines(list) {
		f := strings.Fields(line) // 1: POSIX ADVISORY WRITE PID MAJOR:MINOR:INODE START END
		if len(f) != 8 || f[3] != "WRITE" || inode == 0 {
			continue
		}
		start, err := strconv.ParseInt(f[6], 10, 64)
		if err != nil || start < first || start > last || !strings.HasSuffix(f[5], ":"+strconv.FormatUint(inode, 10)) {
			continue
		}
		pid, _ = strconv.Atoi(f[4])
		return pid
	}
	return 0
}
