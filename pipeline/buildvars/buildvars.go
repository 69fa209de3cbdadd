// Package buildvars tells a build's commands of the build, by the names in the environment that tools
// look for. Nothing secret is among them.
package buildvars

import (
	"strconv"
	"strings"

	"vivarium/pipeline"
	"vivarium/sandbox"
)

// Server is where a build's code and its page are. What is empty is not told.
type Server struct {
	URL      string // of the git host, such as https://github.com
	API      string // of the git host's API
	BuildURL string // of the build's page
}

// Of are the variables, NAME=value, of what is known of a build. Those of the first kind are GitHub's
// own ("Variables reference" of docs.github.com), but for GITHUB_ACTIONS: what looks for that speaks to
// GitHub's runner. Those of the second kind are what coverage reporters and others look for on any CI.
func Of(b pipeline.Build, on Server) []string {
	owner, _, _ := strings.Cut(b.Repo.FullName, "/")
	branch, kind, request := "", "", ""
	event := "push"
	switch b.Ref.Kind() {
	case pipeline.RefBranch:
		branch, kind = b.Ref.Short(), "branch"
	case pipeline.RefTag:
		kind = "tag"
	case pipeline.RefPullRequest:
		event, request = "pull_request", strings.TrimPrefix(b.Ref.Short(), "#")
	}
	if b.Ref == "" {
		event = ""
	}
	return told(
		"GITHUB_WORKSPACE", sandbox.Workspace,
		"GITHUB_SERVER_URL", on.URL,
		"GITHUB_API_URL", on.API,
		"GITHUB_REPOSITORY", b.Repo.FullName,
		"GITHUB_REPOSITORY_ID", number(b.Repo.ID),
		"GITHUB_REPOSITORY_OWNER", owner,
		"GITHUB_SHA", b.SHA,
		"GITHUB_REF", string(b.Ref),
		"GITHUB_REF_NAME", refName(b.Ref),
		"GITHUB_REF_TYPE", kind,
		"GITHUB_EVENT_NAME", event,
		"GITHUB_RUN_ID", number(b.ID),
		"GITHUB_RUN_NUMBER", number(b.ID),
		"GITHUB_RUN_ATTEMPT", number(int64(b.Attempt)),
		"CI_NAME", "vivarium",
		"CI_BRANCH", branch,
		"CI_COMMIT_SHA", b.SHA,
		"CI_PULL_REQUEST", request,
		"CI_BUILD_NUMBER", number(b.ID),
		"CI_BUILD_URL", on.BuildURL,
	)
}

// refName is a ref as GitHub writes it for short: of a pull request 12/head.
func refName(r pipeline.Ref) string {
	if r.Kind() == pipeline.RefPullRequest {
		return strings.TrimPrefix(string(r), "refs/pull/")
	}
	return r.Short()
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// told makes NAME=value of names and values by turns, and leaves out what has no value.
func told(namesAndValues ...string) []string {
	var all []string
	for i := 0; i < len(namesAndValues); i += 2 {
		if value := namesAndValues[i+1]; value != "" {
			all = append(all, namesAndValues[i]+"="+value)
		}
	}
	return all
}
