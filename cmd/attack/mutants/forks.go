package main

// forkParts are the defences against a stranger's code, which anybody can send by a pull request.
var forkParts = []mutant{
	onForks("nothing runs unapproved", "server/store/builds/rows.go", `return !r.Fork || r.Approved`, `return true`,
		"repeated"),
	onForks("who is not known waits", "server/forks/forks.go", `	return Ask
}`, `	return Go
}`, "words"),
	onForks("a deleted fork is one", "server/github/delivery/pull.go", `said.Head.Repo.ID != repo.ID`,
		`said.Head.Repo.ID > 0 && said.Head.Repo.ID != repo.ID`, "deleted-fork"),
	onForks("who pushed counts", "server/forks/forks.go", `&& c.Author > 0 && c.Author == c.Sender {`, `{`,
		"pushed-by-another"),
	onForks("the whole first line", "server/forks/forks.go", `return strings.TrimSuffix(line, "\r") == command`,
		`return line != "" && strings.Contains(comment, command)`, "quoted"),
	onForks("a new comment alone", "server/github/delivery/comment.go", `case event.Action != "created":`, `case false:`,
		"changed-comment"),
	onForks("its own author", "server/github/delivery/comment.go", `who.ID != event.Sender.ID ||`, ``, "put-into-a-mouth"),
	onForks("the right of this moment", "server/github/ask.go",
		`(said.Permission == "admin" || said.Permission == "write")`, `said.Permission != ""`, "lost-the-right"),
	onForks("the account and not its name", "server/github/ask.go", `id > 0 && said.User.ID == id &&`, ``,
		"took-over-a-name"),
	onForks("the commit that was looked at", "server/store/pulls/approve.go", `case b.SHA != sha:`, `case false:`,
		"another-commit"),
	onForks("the head of this moment", "server/forks/forks.go", `case a.Waits == "" || a.Waits != a.Head:`,
		`case false:`, "pushed-since"),
	onForks("each push asks again", "server/store/pulls/accept.go", `Approved: w.Fork && w.Approved,`,
		`Approved: w.Fork && (w.Approved || w.tx.Where("pull = ? AND approved", w.Number).
			First(&builds.Row{}).Error == nil),`, "pushed-after"),
	onForks("the operator's token alone", "server/viewer.go", `if v.bearer == "" || !v.sight.All {`,
		`if v.bearer == "" {`, "readers-token"),
	onForks("the base's commits are its own", "server/store/builds/rows.go",
		`AND NOT fork", sha, strings.ToLower(repo))`, `", sha, strings.ToLower(repo))`, "taken-commit"),
	onForks("a bound of those that wait", "server/store/pulls/accept.go", `waiting < MostUnapproved {`, `waiting >= 0 {`,
		"flood"),
	onForks("no place in the queue", "server/store/queue/push.go",
		`b.State, b.Summary = pipeline.Unapproved, approvalMissing`, `b.Summary = approvalMissing`, "flood"),
	inForksBuild("an index of their own", "server/dispatch/dispatch.go", `run = d.Forks.Run`, `_ = d.Forks.Run`,
		"private-index"),
	inForksBuild("no variables", "server/dispatch/forks.go", `q.Fixed.Settings["env"] = map[string]any{}`,
		`_ = map[string]any{}`, "variables"),
	inForksBuild("no files of the operator's", "server/dispatch/dispatch.go", `	if b.Fork {
		return restrict(q)
	}`, ``, "overlay"),
	inForksBuild("lower limits", "server/dispatch/dispatch.go", `settings = d.Forks.Settings`, `_ = d.Forks.Settings`,
		"limits"),
}

func onForks(name, file, old, new, attacks string) mutant {
	return mutant{"forks: " + name, file, old, new, "^TestStrangersCode$/^" + attacks + "$"}
}

func inForksBuild(name, file, old, new, attacks string) mutant {
	return mutant{"forks: " + name, file, old, new, "^TestForksBuild$/^" + attacks + "$"}
}
