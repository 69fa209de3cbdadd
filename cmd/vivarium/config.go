package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"

	"vivarium/cmd/vivarium/credentials"
	"vivarium/pipeline"
	"vivarium/pipeline/hosts"
	"vivarium/server"
	"vivarium/server/forks"
	"vivarium/server/https"
	"vivarium/server/notify"
	"vivarium/server/notify/post"
	"vivarium/server/store/outbox/budget"
	"vivarium/server/verdict"
)

// config holds the settings from the environment and .env. It is read once, before a command
// starts.
type config struct {
	addr               string
	publicURL          *url.URL // nil when unknown
	trustedProxies     []netip.Prefix
	tls                https.Settings
	dataDir            string
	databaseURL        server.Secret
	workers            int // 0: as many as fit
	repoWorkers        int // per repository; 0: no cap
	defaultBranchFirst bool
	queueLimit         int // in total; 0: any number
	supersede          verdict.Supersede
	tags               bool
	indexURL           *url.URL
	indexAllow         []netip.Prefix
	initDir            string
	runners            string            // repository of the runner images in the engine
	build              pipeline.Settings // CPUs 0: 2, or the engine's number when that is lower
	memoryReserve      int64             // 0: a quarter of the engine's memory
	patience           time.Duration
	keepAuthors        time.Duration // 0: forever
	logFormat          string
	statusContext      string
	poll               time.Duration // 0: not at all
	notify             []notify.Target
	notifySecret       server.Secret
	smtp               post.Mail
	unbounded          bool // what is sent to GitHub; without a value its API's address decides
	token              server.Secret
	githubApp          credentials.App
	checks             bool
	webhookSecret      server.Secret
	repositories       []string // those that webhookSecret opens
	key                server.Secret
	publicBuilds       bool
	forks              forks.Policy
	forkShare          float64
	forkIndexURL       *url.URL
	apiURL             *url.URL
	serverURL          *url.URL

	given map[string]bool // names of the settings with a value of their own, not the default
}

// Format keeps settings out of logs and errors: package fmt does not call the formatters of
// unexported fields.
func (config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[settings]") }

// variable is one setting. The parser, .env.sample and the README's table are made from one table
// of them, so that the three cannot differ.
type variable struct {
	name string
	def  string // as a user would write it; empty: unset
	help string // one sentence
	setter
}

var variables = []variable{
	{"VIVARIUM_ADDR", ":8001", "Address that the server listens on.",
		to(address, func(c *config) *string { return &c.addr })},
	{"VIVARIUM_PUBLIC_URL", "", "URL under which others reach the server, which may have a path; commit statuses " +
		"link to it.",
		to(webURL, func(c *config) **url.URL { return &c.publicURL })},
	{"VIVARIUM_TRUSTED_PROXIES", "", "Networks of the reverse proxies whose X-Forwarded-For is believed, such as " +
		"127.0.0.1/32.",
		to(networks, func(c *config) *[]netip.Prefix { return &c.trustedProxies })},
	{"VIVARIUM_TLS_CERT", "", "PEM file of the server's certificate and its issuers; unset: plain HTTP, or " +
		"VIVARIUM_TLS_DOMAIN.",
		to(text, func(c *config) *string { return &c.tls.CertFile })},
	{"VIVARIUM_TLS_KEY", "", "PEM file of the certificate's key.",
		to(text, func(c *config) *string { return &c.tls.KeyFile })},
	{"VIVARIUM_TLS_DOMAIN", "", "Domain names to get certificates for by ACME, separated by commas; it accepts " +
		"that server's terms.",
		to(domains, func(c *config) *[]string { return &c.tls.Domains })},
	{"VIVARIUM_TLS_DIRECTORY", "", "ACME server that issues them, by the URL of its directory; unset: Let's Encrypt.",
		to(webURLText, func(c *config) *string { return &c.tls.Directory })},
	{"VIVARIUM_DATA_DIR", "data", "Folder of the database and of the package cache.",
		to(text, func(c *config) *string { return &c.dataDir })},
	{"VIVARIUM_DATABASE_URL", "", "PostgreSQL database to use in place of the embedded SQLite.",
		to(postgresURL, func(c *config) *server.Secret { return &c.databaseURL })},
	{"VIVARIUM_WORKERS", "", "Builds that run at a time; unset: as many as fit the engine.",
		to(count, func(c *config) *int { return &c.workers })},
	{"VIVARIUM_REPO_WORKERS", "", "Builds of one repository that run at a time; unset: as many as there are.",
		to(count, func(c *config) *int { return &c.repoWorkers })},
	{"VIVARIUM_QUEUE_LIMIT", "", "Builds that wait in all, beyond which a repository that has one waiting gets no " +
		"second; unset: any number.",
		to(count, func(c *config) *int { return &c.queueLimit })},
	{"VIVARIUM_DEFAULT_BRANCH_FIRST", "no",
		"Whether a repository's default branch is built before its other branches: yes or no.",
		to(yesOrNo, func(c *config) *bool { return &c.defaultBranchFirst })},
	{"VIVARIUM_SUPERSEDE", "waiting", "Which builds of older pushes a newer push of the branch ends: waiting, " +
		"running (both) or no; never those of the default branch.",
		to(supersedes, func(c *config) *verdict.Supersede { return &c.supersede })},
	{"VIVARIUM_TAGS", "no", "Whether tags are built: yes or no; `vivarium repos fix` says otherwise for a repository.",
		to(yesOrNo, func(c *config) *bool { return &c.tags })},
	{"VIVARIUM_INDEX_URL", "https://pypi.org/simple/", "Python package index that builds install from.",
		to(webURL, func(c *config) **url.URL { return &c.indexURL })},
	{"VIVARIUM_INDEX_ALLOW", "", "Private networks that the index may name files on, such as 10.1.0.0/16.",
		to(networks, func(c *config) *[]netip.Prefix { return &c.indexAllow })},
	{"VIVARIUM_INDEX_HOSTS", "", "Hosts of further package indexes that a repository may name, separated by commas.",
		to(hostList, func(c *config) *hosts.List { return &c.build.IndexHosts })},
	{"VIVARIUM_GIT_HOSTS", "", "Git hosts besides GITHUB_SERVER_URL that builds may install from, separated by commas.",
		to(hostList, func(c *config) *hosts.List { return &c.build.GitHosts })},
	{"VIVARIUM_PYTEST", "add", "Where tests need pytest, undeclared: add installs it; declared fails the build.",
		to(onlyDeclared, func(c *config) *bool { return &c.build.DeclaredPytest })},
	{"VIVARIUM_RETRY", "on", "Whether failed tests are tried again, to tell those that fail by chance " +
		"or only after another: on or off.",
		to(off, func(c *config) *bool { return &c.build.NoRetries })},
	{"VIVARIUM_FLAKY", "fail", "What becomes of a build whose failed tests all passed when they were tried again: " +
		"fail or pass.",
		to(flakyPasses, func(c *config) *bool { return &c.build.FlakyPasses })},
	{"VIVARIUM_INIT_DIR", "", "Folder of vivarium-init-linux-ARCH files to use in place of the embedded ones.",
		to(text, func(c *config) *string { return &c.initDir })},
	{"VIVARIUM_RUNNERS", "vivarium/runner",
		"The engine's repository for runner images; installations of two versions need one each.",
		to(imageRepository, func(c *config) *string { return &c.runners })},
	{"VIVARIUM_RUNTIME", "", "OCI runtime of the sandboxes, by the engine's name for it, such as runsc.",
		to(text, func(c *config) *string { return &c.build.Runtime })},
	{"VIVARIUM_MEMORY", "2GiB", "Memory that the processes of a build may use.",
		to(memorySize, func(c *config) *int64 { return &c.build.Limits.Memory })},
	{"VIVARIUM_MEMORY_RESERVE", "", "The engine's memory that builds leave to the server and all else; unset: a " +
		"quarter of it. What other containers hold beyond it is left alone as well.",
		to(reserveSize, func(c *config) *int64 { return &c.memoryReserve })},
	{"VIVARIUM_CPUS", "", "CPUs of a build; unset: the lesser of 2 and the engine's.",
		to(cpus, func(c *config) *float64 { return &c.build.Limits.CPUs })},
	{"VIVARIUM_PIDS", "512", "Processes and threads of a build.",
		to(pidsCount, func(c *config) *int64 { return &c.build.Limits.Pids })},
	{"VIVARIUM_FILES", "16384", "Files that each process of a build may have open.",
		to(filesCount, func(c *config) *int64 { return &c.build.Limits.OpenFiles })},
	{"VIVARIUM_DISK", "2GiB", "Disk space of a build; it is held in memory.",
		to(diskSize, func(c *config) *int64 { return &c.build.Limits.Disk })},
	{"VIVARIUM_INODES", "262144", "Files and folders that a build may make.",
		to(inodeCount, func(c *config) *int64 { return &c.build.Limits.Inodes })},
	{"VIVARIUM_TIMEOUT", "15m", "Longest time that a build may take.",
		to(duration, func(c *config) *time.Duration { return &c.build.Limits.Timeout })},
	{"VIVARIUM_PATIENCE", "1h", "Longest time that a build waits for the engine, the git host or the package index " +
		"to answer again.",
		to(duration, func(c *config) *time.Duration { return &c.patience })},
	{"VIVARIUM_KEEP_AUTHORS", "", "How long after a build's end its author's name is kept, such as 720h; unset: " +
		"for good.",
		to(duration, func(c *config) *time.Duration { return &c.keepAuthors })},
	{"VIVARIUM_LOG_LIMIT", "64MiB", "Log that is kept of a build; more is left out of its middle.",
		to(logSize, func(c *config) *int64 { return &c.build.KeptLog })},
	{"VIVARIUM_LOG_HARD_LIMIT", "4GiB", "Output that ends a build.",
		to(logSize, func(c *config) *int64 { return &c.build.Limits.LogLimit })},
	{"VIVARIUM_LOG_RATE", "32MiB", "Output per second that a build may write; more slows it down, and none is " +
		"lost; 0: as fast as it can.",
		to(rateOrNone, func(c *config) *int64 { return &c.build.Limits.LogRate })},
	{"VIVARIUM_LOG_FORMAT", "", "Server log: text or json; unset: text on a terminal, else json.",
		to(logFormat, func(c *config) *string { return &c.logFormat })},
	{"VIVARIUM_STATUS_CONTEXT", "vivarium", "Name of the commit status or check run.",
		to(statusContext, func(c *config) *string { return &c.statusContext })},
	{"VIVARIUM_POLL", "", "How often GitHub is asked where branches are, such as 30s, to build what no delivery told " +
		"of; unset: never.",
		to(duration, func(c *config) *time.Duration { return &c.poll })},
	{"VIVARIUM_NOTIFY", "", "Who is told when a branch turns red, or green again, such as mailto:NAME@HOST or " +
		"slack+https://…, separated by commas.",
		to(notifyTargets, func(c *config) *[]notify.Target { return &c.notify })},
	{"VIVARIUM_NOTIFY_SECRET", "", "Secret that outgoing webhooks are signed with, as GitHub signs its own.",
		to(secretText, func(c *config) *server.Secret { return &c.notifySecret })},
	{"VIVARIUM_SMTP", "", "Server that takes e-mails, such as smtp://USER:PASSWORD@HOST:587?from=ADDRESS.",
		to(mailServer, func(c *config) *post.Mail { return &c.smtp })},
	{"VIVARIUM_GITHUB_BUDGET", "", "Whether statuses stay within GitHub's limits, results before beginnings: on or " +
		"off; unset: on for github.com.",
		to(off, func(c *config) *bool { return &c.unbounded })},
	{"GITHUB_TOKEN", "", "Token that sets commit statuses and reads private repositories; in .env it may be " +
		"renewed while the server runs.",
		to(secretText, func(c *config) *server.Secret { return &c.token })},
	{"VIVARIUM_GITHUB_APP_ID", "", "Number of a GitHub App whose tokens are used where it is installed, and " +
		"GITHUB_TOKEN elsewhere; `vivarium github-app` makes one.",
		to(appID, func(c *config) *int64 { return &c.githubApp.ID })},
	{"VIVARIUM_GITHUB_APP_KEY_FILE", "", "PEM file of the App's private key; it may be replaced while the server runs.",
		to(text, func(c *config) *string { return &c.githubApp.KeyFile })},
	{"VIVARIUM_GITHUB_APP_WEBHOOK_SECRET", "", "Webhook secret of the App, by which GitHub signs its deliveries for " +
		"all repositories that are let in.",
		to(secretText, func(c *config) *server.Secret { return &c.githubApp.Secret })},
	{"VIVARIUM_CHECKS", "yes", "Whether builds of repositories that the App sees are reported as check runs, in place " +
		"of commit statuses: yes or no.",
		to(yesOrNo, func(c *config) *bool { return &c.checks })},
	{"VIVARIUM_REPOSITORIES", "", "Repositories that GITHUB_WEBHOOK_SECRET opens, such as OWNER/* or OWNER/NAME, " +
		"separated by commas.",
		to(repositoryList, func(c *config) *[]string { return &c.repositories })},
	{"VIVARIUM_KEY", "", "Key that the webhook secrets of repositories are derived from; unset: the file key in " +
		"the data folder.",
		to(longSecret, func(c *config) *server.Secret { return &c.key })},
	{"VIVARIUM_FORKS", "approve", "Pull requests of forks: approve builds a commit once somebody who may write to the " +
		"repository approves it; contributors asks so only for authors of whom nothing was merged; all; none.",
		to(forksPolicy, func(c *config) *forks.Policy { return &c.forks })},
	{"VIVARIUM_FORK_SHARE", "0.5", "Part of each limit that a build of a fork's code gets, above 0 and up to 1.",
		to(part, func(c *config) *float64 { return &c.forkShare })},
	{"VIVARIUM_FORK_INDEX_URL", "https://pypi.org/simple/", "Package index that builds of forks' code install from; " +
		"what is on it, everybody can read.",
		to(webURL, func(c *config) **url.URL { return &c.forkIndexURL })},
	{"VIVARIUM_PUBLIC_BUILDS", "yes", "Whether everybody sees the builds of public repositories: yes or no; others " +
		"ask for a token.",
		to(yesOrNo, func(c *config) *bool { return &c.publicBuilds })},
	{"GITHUB_WEBHOOK_SECRET", "", "One webhook secret for all of VIVARIUM_REPOSITORIES, for a team that trusts itself.",
		to(secretText, func(c *config) *server.Secret { return &c.webhookSecret })},
	{"GITHUB_API_URL", "https://api.github.com", "GitHub's API, complete as it is; Enterprise: https://HOST/api/v3.",
		to(webURL, func(c *config) **url.URL { return &c.apiURL })},
	{"GITHUB_SERVER_URL", "https://github.com", "GitHub itself, where repositories are cloned from.",
		to(webURL, func(c *config) **url.URL { return &c.serverURL })},
}

// sendsAtMost are the limits that what is sent to GitHub is kept within.
func (c config) sendsAtMost() budget.Limits {
	switch {
	case !c.given["VIVARIUM_GITHUB_BUDGET"]:
		return budget.Of(c.apiURL)
	case c.unbounded:
		return budget.Limits{}
	}
	return budget.GitHub
}

// readConfig reads the settings from environ (NAME=value), and those that environ does not set from
// dotenv. It reports every problem, one error for each.
func readConfig(environ []string, dotenv map[string]string) (config, []error) {
	values := maps.Clone(dotenv)
	if values == nil {
		values = map[string]string{}
	}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		values[name] = value
	}

	c := config{given: map[string]bool{}}
	problems := unknownNames(values)
	for _, v := range variables {
		value := strings.TrimSpace(values[v.name])
		c.given[v.name] = value != ""
		if value == "" {
			value = v.def
		}
		if value == "" {
			continue
		}
		if err := v.set(&c, value); err != nil {
			problems = append(problems, v.refusal(value, err))
		}
	}
	return c, problems
}

// refusal says why a value cannot be used, without the text of a secret.
func (v variable) refusal(value string, err error) error {
	if little, ok := errors.AsType[*tooLittleError](err); ok {
		return fmt.Errorf("cannot use %s=%s: %w", v.name, v.shown(value), little)
	}
	return fmt.Errorf("cannot use %s=%s: it must be %s", v.name, v.shown(value), v.accepts)
}

// notOurs are names with our prefix that others read: the tests, and compose.yaml, which reads the
// same .env.
var notOurs = []string{
	"VIVARIUM_REQUIRE_ENGINE", "VIVARIUM_REQUIRE_POSTGRES", "VIVARIUM_REQUIRE_BROWSER", "VIVARIUM_REQUIRE_PROXIES",
	"VIVARIUM_USER", "VIVARIUM_PORT",
}

// unknownNames finds names that look like ours and are none: a misspelt limit must not silently be
// no limit.
func unknownNames(values map[string]string) []error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		known := func(v variable) bool { return v.name == name }
		if !strings.HasPrefix(name, "VIVARIUM_") || slices.ContainsFunc(variables, known) ||
			slices.Contains(notOurs, name) {
			continue
		}
		problems = append(problems, fmt.Errorf("cannot use %s: there is no such setting; did you mean %s?",
			name, nearest(name)))
	}
	return problems
}

func nearest(name string) string {
	return slices.MinFunc(variables, func(a, b variable) int {
		return levenshtein.ComputeDistance(name, a.name) - levenshtein.ComputeDistance(name, b.name)
	}).name
}
