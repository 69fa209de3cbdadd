// Package gitline makes the command lines of git in a sandbox, and reads what git says.
package gitline

import (
	"regexp"
	"slices"

	"vivarium/sandbox"
)

// env and options keep git from running other programs, from asking anybody for anything, and
// from fetching more than the one commit or over anything but the local proxy.
var (
	env = []string{
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_LFS_SKIP_SMUDGE=1",
	}
	options = []string{
		"-c", "core.hooksPath=/dev/null",
		"-c", "core.fsmonitor=false",
		"-c", "submodule.recurse=false",
		"-c", "protocol.allow=never",
		"-c", "protocol.http.allow=always",
		"-c", "http.followRedirects=false",
		"-c", "credential.helper=",
		"-c", "gc.auto=0",
		"-c", "maintenance.auto=false",
		"-c", "advice.detachedHead=false",
		"-c", "init.defaultBranch=main",
	}
)

// Command is a git command, such as fetch, with its arguments.
func Command(name string, args ...string) sandbox.Command {
	argv := slices.Concat([]string{"git"}, options, []string{name}, args)
	return sandbox.Command{Argv: argv, Env: env}
}

// CommitID is a whole object name of SHA-1 or SHA-256. Nothing else reaches git's arguments.
var CommitID = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// InitFor are the arguments of git init for a repository that holds a commit, by its CommitID.
func InitFor(commit string) []string {
	format := "sha1"
	if len(commit) == 64 {
		format = "sha256"
	}
	return []string{"--template=", "--object-format=" + format}
}

// What git says of an answer that was correct as far as HTTP goes.
var (
	goneWords = regexp.MustCompile(`not our ref|couldn't find remote ref`)
	halfWords = regexp.MustCompile(`early EOF|hung up unexpectedly|unexpected disconnect`)
)

// Gone reports whether git says that the host has no such commit (any longer).
func Gone(said string) bool { return goneWords.MatchString(said) }

// BrokenOff reports whether git says that the host's answer was cut short.
func BrokenOff(said string) bool { return halfWords.MatchString(said) }
