package app

// Wanted are the permissions that an App needs, at GitHub's levels read and write.
func Wanted() map[string]string {
	return map[string]string{
		"contents":      "read",  // to clone
		"statuses":      "write", // to report
		"checks":        "write", // to report at more length, and to be asked again
		"metadata":      "read",  // which GitHub gives each App
		"pull_requests": "read",  // to be told of them, and of comments on them
	}
}

// Events are what an App is to be told of; of its installations it always is.
func Events() []string {
	return []string{"push", "pull_request", "issue_comment", "check_run", "check_suite", "repository"}
}

// Enough reports whether a permission that was granted is as much as the wanted one.
func Enough(granted, wanted string) bool {
	return granted == wanted || granted == "write" || granted == "admin"
}
