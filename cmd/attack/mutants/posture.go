package main

// posture are the checks of a sandbox before builds are taken, one for each mutant, and what the
// server believes about other containers.
var posture = []mutant{
	inPosture("system calls", "\tj.calls()\n"),
	inPosture("closed paths", "\tj.closedPaths()\n"),
	inPosture("devices", "\tj.devices()\n"),
	inPosture("names", "\tj.names()\n"),
	inPosture("the engine's account", "\tj.readBack()\n"),
	{"posture: the environment", "sandbox/posture/inspect.go", "\tj.environment()\n", "", "^TestWeakenedEngine$"},
	{
		"posture: what kernels say before they look",
		"sandbox/posture/calls.go",
		`return tried && refusal(answer)`,
		`return tried && answer != ""`,
		"^TestWeakenedEngine$",
	},
	{"admission: a sandbox's deadline", "sandbox/others.go", `<= farthestDeadline`, `> 0`, "^TestLabel$"},
}

func inPosture(name, check string) mutant {
	return mutant{"posture: " + name, "sandbox/posture/judge.go", check, "", "^TestWeakenedEngine$"}
}
