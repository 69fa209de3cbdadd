package main

// initProcess are the defences of PID 1.
var initProcess = []mutant{
	inInit("not dumpable", "main.go", `unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)`,
		`unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)`, "^TestPrivileges$"),
	inInit("signals caught", "signals.go", `signal.Notify(caught)`, `signal.Notify(caught, unix.SIGCHLD)`,
		`^TestResources$/^signals-to-pid1$`),
	inInit("strays killed between steps", "processes.go", `if err := unix.Kill(-1, unix.SIGKILL); err == unix.ESRCH {`,
		`if p.main == 0 {`, `^TestResources$/^orphans$`),
	inInit("the OOM killer takes commands first", "processes.go", `const commandOOMScore = "1000"`,
		`const commandOOMScore = "0"`,
		`^TestBounds$`),
	inInit("files watched together", "watch.go", `	case bytes > w.bytes:
		exceeded = true`, `	case bytes > w.bytes:`, `^TestContainer$/^all-places-together$`),
	inInit("terminals counted", "watch.go", `	if n <= wire.MaxTerminals {`, `	if n >= 0 {`,
		`^TestResources$/^terminals$`),
	inInit("half-closed terminals counted", "terminals.go", `if machine <= wire.MaxTerminals ||`, `if machine >= 0 ||`,
		`^TestResources$/^half-closed-terminals$`),
	inInit("hidden terminals counted", "terminals.go", `		h.hidden = true // a process`,
		`		h.hidden = false // a process`, `^TestResources$/^hidden-terminals$`),
	inInit("memory of sockets", "sockets.go", `exceeded = waiting > w.most`, `exceeded = false`, "^TestSockets$"),
	inInit("memory of small messages", "socketlists.go", `const perMessage = 1300`,
		`const perMessage = 1`, "^TestSockets$/^tcp-small$"),
	inInit("SIGKILL after SIGTERM", "run.go", `		case <-tooLate:
			g.procs.killAll()`, `		case <-tooLate:`, `^TestResources$/^deaf-to-signals$`),
	inInit("time", "run.go", `		case <-timedOut:
			end()`, `		case <-timedOut:
			timedOut = nil`, `^TestResources$/^sleeper-at-import$`),
}

func inInit(name, file, old, new, attacks string) mutant {
	return mutant{"PID 1: " + name, "cmd/vivarium-init/" + file, old, new, attacks}
}
