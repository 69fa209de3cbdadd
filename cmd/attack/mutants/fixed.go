package main

// fixedParts are the defences of what an operator fixes, and of lint, against the code that is judged.
var fixedParts = []mutant{
	onVerdict("the repository's settings", "pipeline/python/config.go", `if c.fixed.Fixes(key) {`, `if key == "" {`,
		"own-(commands|variables|folder)"),
	onVerdict("the surroundings of the tests", "pipeline/fixed/fixed.go",
		`return (test || p.Overlay.Repository != "") && slices.Contains(withTests, setting)`,
		`return test && p.Overlay.Repository == "" && slices.Contains(withTests, setting)`, "own-(variables|folder)"),
	onVerdict("protected paths", "pipeline/fixed/places.go",
		`|| protected.Match(strings.Split(f.Path, "/"), f.Dir) {`,
		`|| protected == nil && strings.Contains(f.Path, "/") {`, "conftest"),
	onVerdict("files put back before the tests", "pipeline/teststep.go",
		`if err := a.layAgain(ctx, a.remove); err != nil {`,
		`if err := error(nil); err != nil {`, "rewritten-by-setup-py"),
	{
		"lint: the checkout as it was cloned", "pipeline/attempt.go", `if name == StepInstall && !a.over {`,
		`if name == "" && !a.over {`, "^TestLintIsOfTheCheckoutAsCloned$",
	},
}

func onVerdict(name, file, old, new, attacks string) mutant {
	return mutant{"fixed: " + name, file, old, new, "^TestVerdictIsNotRewritten$/^" + attacks + "$"}
}
