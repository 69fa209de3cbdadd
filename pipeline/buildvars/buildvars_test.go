package buildvars

import (
	"strings"
	"testing"

	"vivarium/pipeline"
)

var (
	sha   = strings.Repeat("a", 40)
	hello = pipeline.Repository{ID: 7, FullName: "octo/hello", DefaultBranch: "main", Private: true}
	host  = Server{URL: "https://github.com", API: "https://api.github.com", BuildURL: "https://ci.example.org/logs/12"}
)

// TestABuildsCommandsAreToldOfIt, by the names that tools look for.
func TestABuildsCommandsAreToldOfIt(t *testing.T) {
	const ofRepository = `GITHUB_WORKSPACE=/tmp/workspace
GITHUB_SERVER_URL=https://github.com
GITHUB_API_URL=https://api.github.com
GITHUB_REPOSITORY=octo/hello
GITHUB_REPOSITORY_ID=7
GITHUB_REPOSITORY_OWNER=octo
`
	for name, c := range map[string]struct {
		build pipeline.Build
		on    Server
		want  string
	}{
		"a branch": {
			pipeline.Build{ID: 12, Repo: hello, Ref: "refs/heads/topic/one", SHA: sha, Attempt: 2}, host,
			ofRepository + "GITHUB_SHA=" + sha + `
GITHUB_REF=refs/heads/topic/one
GITHUB_REF_NAME=topic/one
GITHUB_REF_TYPE=branch
GITHUB_EVENT_NAME=push
GITHUB_RUN_ID=12
GITHUB_RUN_NUMBER=12
GITHUB_RUN_ATTEMPT=2
CI_NAME=vivarium
CI_BRANCH=topic/one
CI_COMMIT_SHA=` + sha + `
CI_BUILD_NUMBER=12
CI_BUILD_URL=https://ci.example.org/logs/12`,
		},
		"a tag": {
			pipeline.Build{ID: 12, Repo: hello, Ref: "refs/tags/v1", SHA: sha, Attempt: 1}, Server{},
			`GITHUB_WORKSPACE=/tmp/workspace
GITHUB_REPOSITORY=octo/hello
GITHUB_REPOSITORY_ID=7
GITHUB_REPOSITORY_OWNER=octo
GITHUB_SHA=` + sha + `
GITHUB_REF=refs/tags/v1
GITHUB_REF_NAME=v1
GITHUB_REF_TYPE=tag
GITHUB_EVENT_NAME=push
GITHUB_RUN_ID=12
GITHUB_RUN_NUMBER=12
GITHUB_RUN_ATTEMPT=1
CI_NAME=vivarium
CI_COMMIT_SHA=` + sha + `
CI_BUILD_NUMBER=12`,
		},
		"a pull request": {
			pipeline.Build{ID: 12, Repo: hello, Ref: "refs/pull/34/head", SHA: sha, Attempt: 1}, host,
			ofRepository + "GITHUB_SHA=" + sha + `
GITHUB_REF=refs/pull/34/head
GITHUB_REF_NAME=34/head
GITHUB_EVENT_NAME=pull_request
GITHUB_RUN_ID=12
GITHUB_RUN_NUMBER=12
GITHUB_RUN_ATTEMPT=1
CI_NAME=vivarium
CI_COMMIT_SHA=` + sha + `
CI_PULL_REQUEST=34
CI_BUILD_NUMBER=12
CI_BUILD_URL=https://ci.example.org/logs/12`,
		},
		"a folder": {pipeline.Build{}, Server{}, "GITHUB_WORKSPACE=/tmp/workspace\nCI_NAME=vivarium"},
		"a URL": {
			pipeline.Build{Repo: pipeline.Repository{FullName: "octo/hello"}, SHA: sha}, Server{URL: "https://github.com"},
			`GITHUB_WORKSPACE=/tmp/workspace
GITHUB_SERVER_URL=https://github.com
GITHUB_REPOSITORY=octo/hello
GITHUB_REPOSITORY_OWNER=octo
GITHUB_SHA=` + sha + `
CI_NAME=vivarium
CI_COMMIT_SHA=` + sha,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(Of(c.build, c.on), "\n"); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestABuildIsNeverTakenForOneOfGitHubActions: what finds that name speaks to GitHub's runner, and asks
// for its token.
func TestABuildIsNeverTakenForOneOfGitHubActions(t *testing.T) {
	build := pipeline.Build{ID: 12, Repo: hello, Ref: "refs/heads/main", SHA: sha, Attempt: 1, Author: "mona",
		Message: "GITHUB_ACTIONS=true\nGITHUB_TOKEN=x"}
	for _, v := range Of(build, host) {
		name, _, _ := strings.Cut(v, "=")
		if name == "GITHUB_ACTIONS" || strings.Contains(name, "TOKEN") || strings.Contains(v, "\n") {
			t.Errorf("%q is told", v)
		}
	}
}
