//go:build linux

package main

import (
	"bufio"
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// removeShared removes System V's shared memory, message queues and semaphores. They outlast the
// processes that made them, and would take memory from the next command. A kernel that does not
// list them has none.
func removeShared() {
	each("/proc/sysvipc/shm", func(id uintptr) { unix.RawSyscall(unix.SYS_SHMCTL, id, unix.IPC_RMID, 0) })
	each("/proc/sysvipc/msg", func(id uintptr) { unix.RawSyscall(unix.SYS_MSGCTL, id, unix.IPC_RMID, 0) })
	each("/proc/sysvipc/sem", func(id uintptr) { unix.RawSyscall(unix.SYS_SEMCTL, id, 0, unix.IPC_RMID) })
}

// each calls remove with the ids of a list (proc(5)): a line of headings, then lines with a key, an
// id and more.
func each(list string, remove func(id uintptr)) {
	f, err := os.Open(list)
	if err != nil {
		return
	}
	defer f.Close()
	var ids []uintptr // all of them first: removing one moves the rest of the list up
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := bytes.Fields(lines.Bytes())
		if len(fields) < 2 {
			continue
		}
		if id, err := strconv.ParseUint(string(fields[1]), 10, 31); err == nil {
			ids = append(ids, uintptr(id))
		}
	}
	for _, id := range ids {
		remove(id)
	}
}
