package main

// reports are the defences of the way by which tests are reported.
var reports = []mutant{
	inReport("no more than a ring holds", "ring.go", `	if head-r.tail > r.capacity {`, `	if false {`,
		`^TestReports$/^head_jumps$`),
	inReport("whole lines", "ring.go", `	whole := bytes.LastIndexByte(p, '\n') + 1`,
		`	whole := max(len(p), bytes.LastIndexByte(p, '\n'))`, `^TestReports$/^half_a_line$`),
	inReport("no wait for answers to be read", "client.go", `unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL`, `unix.MSG_NOSIGNAL`,
		`^TestReports$/^never_reads$`),
	inReport("no wait for what lingers", "close.go", `unix.Tgkill(process, thread, unix.SIGURG)`,
		`unix.Tgkill(process, thread, 0)`, `^TestReports$/^lingering$`),
	inReport("the number of clients", "report.go", `	case len(s.clients) >= MaxClients:`, `	case len(s.clients) < 0:`,
		`^TestReports$/^too_many$`),
	inReport("the clock of a test", "clock.go", `	return c.limit > 0 && c.spent >= c.limit`, `	return false`,
		`^TestReports$/^hanging$`),
}

func inReport(name, file, old, new, attacks string) mutant {
	return mutant{"reports: " + name, "sandbox/report/" + file, old, new, attacks}
}
