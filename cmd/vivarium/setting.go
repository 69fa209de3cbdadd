package main

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vivarium/cmd/vivarium/datadir"
	"vivarium/cmd/vivarium/redact"
	"vivarium/pipeline/hosts"
	"vivarium/sandbox"
	"vivarium/sandbox/quantity"
	"vivarium/server"
	"vivarium/server/forks"
	"vivarium/server/https"
	"vivarium/server/notify"
	"vivarium/server/notify/post"
	"vivarium/server/registry"
	"vivarium/server/verdict"
)

// setter parses a value and puts it into its field of the config.
type setter struct {
	accepts string // what a value must be, after "it must be"
	secret  bool
	set     func(*config, string) error
}

// shown is a value as an error may show it: by mistake, any setting may hold an address with a
// password.
func (s setter) shown(value string) string {
	if s.secret {
		return redact.Hidden
	}
	return strconv.Quote(redact.Credentials(value))
}

// kind is a type of setting.
type kind[T any] struct {
	accepts string
	secret  bool
	parse   func(string) (T, error)
}

func to[T any](k kind[T], field func(*config) *T) setter {
	return setter{accepts: k.accepts, secret: k.secret, set: func(c *config, value string) error {
		v, err := k.parse(value)
		if err == nil {
			*field(c) = v
		}
		return err
	}}
}

var errNotAccepted = errors.New("not accepted")

// maxSize and maxCount bound settings well below where sums could overflow.
const (
	maxSize  = 1 << 50
	maxCount = 1 << 22 // the kernel's own limit of process ids
)

// imageRepositoryName is what an engine accepts as a repository's name, without host and tag.
var imageRepositoryName = regexp.MustCompile(`^[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)

// leastLog is the least size of a log, and of output per second: less does not even hold what
// Vivarium itself says about a build.
const leastLog = 64 << 10

var (
	text = kind[string]{accepts: "a name", parse: func(v string) (string, error) { return v, nil }}

	secretText = kind[server.Secret]{accepts: "a secret without line breaks", secret: true,
		parse: func(v string) (server.Secret, error) {
			return server.Secret(v), when(!strings.ContainsAny(v, "\r\n\x00"))
		}}

	// longSecret is at least 32 bytes, the length to which HMAC-SHA256 shortens a longer key.
	longSecret = kind[server.Secret]{accepts: "a random secret of at least 32 characters, as `openssl rand -base64 " +
		"32` prints", secret: true,
		parse: func(v string) (server.Secret, error) {
			return server.Secret(v), when(len(v) >= datadir.KeyBytes && !strings.ContainsAny(v, "\r\n\x00"))
		}}

	repositoryList = kind[[]string]{accepts: "OWNER/NAME or OWNER/PATTERN, such as octo/hello or octo/*, separated " +
		"by commas", parse: parseRepositories}

	postgresURL = kind[server.Secret]{accepts: "a URL such as postgres://USER:PASSWORD@HOST/DATABASE", secret: true,
		parse: func(v string) (server.Secret, error) {
			u, err := url.Parse(v)
			return server.Secret(v), when(err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") &&
				u.Host != "")
		}}

	notifyTargets = kind[[]notify.Target]{accepts: strings.TrimPrefix(notify.ErrTarget.Error(), "it must be "),
		secret: true, parse: notify.Parse}
	mailServer = kind[post.Mail]{accepts: strings.TrimPrefix(post.ErrMail.Error(), "it must be "), secret: true,
		parse: post.ParseMail}

	address = kind[string]{accepts: "HOST:PORT or :PORT", parse: func(v string) (string, error) {
		_, port, err := net.SplitHostPort(v)
		if err != nil {
			return "", err
		}
		_, err = strconv.ParseUint(port, 10, 16)
		return v, err
	}}

	// webURL refuses user, query and fragment: a credential has a setting of its own, and these
	// URLs are printed.
	webURL = kind[*url.URL]{accepts: "an http or https URL without user, query and fragment",
		parse: func(v string) (*url.URL, error) {
			u, err := url.Parse(v)
			if err != nil {
				return nil, err
			}
			plain := u.User == nil && u.RawQuery == "" && u.Fragment == "" && u.Host != ""
			return u, when(plain && (u.Scheme == "http" || u.Scheme == "https"))
		}}

	webURLText = kind[string]{accepts: webURL.accepts, parse: func(v string) (string, error) {
		_, err := webURL.parse(v)
		return v, err
	}}

	forksPolicy = kind[forks.Policy]{accepts: "approve, contributors, all or none", parse: forks.Parse}

	domains = kind[[]string]{accepts: "domain names in lower case such as ci.example.org, separated by commas",
		parse: func(v string) ([]string, error) {
			all := strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
			return all, https.Settings{Domains: all}.Check()
		}}

	imageRepository = kind[string]{accepts: "the name of an image repository, such as vivarium/runner",
		parse: func(v string) (string, error) { return v, when(imageRepositoryName.MatchString(v)) }}

	networks = kind[[]netip.Prefix]{accepts: "networks such as 10.1.0.0/16, separated by commas", parse: parseNetworks}

	hostList = kind[hosts.List]{accepts: "hosts such as git.example.org or http://10.1.0.5:3000, separated by commas",
		parse: hosts.Parse}

	size = kind[int64]{accepts: "a size such as 512MiB or 2GiB", parse: func(v string) (int64, error) {
		n, err := quantity.ParseBytes(v)
		if err != nil {
			return 0, err
		}
		return n, when(n > 0 && n <= maxSize)
	}}

	// The limits of a sandbox have a least value; sandbox.Least says why.
	memorySize = atLeast(size, sandbox.Least().Memory, quantity.Bytes)
	diskSize   = atLeast(size, sandbox.Least().Disk, quantity.Bytes)
	// No server runs in less.
	reserveSize = atLeast(size, 1<<20, quantity.Bytes)
	logSize     = atLeast(size, leastLog, quantity.Bytes)
	sizeOrNone  = orNone(size)
	rateOrNone  = orNone(atLeast(size, leastLog, quantity.Bytes))
	pidsCount   = atLeast(count64, sandbox.Least().Pids, showCount)
	filesCount  = atLeast(count64, sandbox.Least().OpenFiles, showCount)
	inodeCount  = atLeast(count64, sandbox.Least().Inodes, showCount)

	count64 = kind[int64]{accepts: "a whole number above 0", parse: func(v string) (int64, error) {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return 0, err
		}
		return n, when(n > 0 && n <= maxCount)
	}}

	appID = kind[int64]{accepts: "the App's number, which its settings on GitHub show as App ID",
		parse: func(v string) (int64, error) {
			n, err := strconv.ParseInt(v, 10, 64)
			return n, errors.Join(err, when(n > 0))
		}}

	count = kind[int]{accepts: count64.accepts, parse: func(v string) (int, error) {
		n, err := count64.parse(v)
		return int(n), err
	}}

	cpus = kind[float64]{accepts: "a number above 0, such as 1.5", parse: func(v string) (float64, error) {
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return 0, err
		}
		return n, when(n >= 0.01 && !math.IsInf(n, 0))
	}}

	part = kind[float64]{accepts: "a number above 0 and up to 1, such as 0.5",
		parse: func(v string) (float64, error) {
			n, err := strconv.ParseFloat(v, 64)
			return n, errors.Join(err, when(n > 0 && n <= 1))
		}}

	duration = kind[time.Duration]{accepts: "a duration such as 90s or 15m",
		parse: func(v string) (time.Duration, error) {
			d, err := time.ParseDuration(v)
			if err != nil {
				return 0, err
			}
			return d, when(d >= time.Second)
		}}

	yesOrNo = kind[bool]{accepts: "yes or no",
		parse: func(v string) (bool, error) { return v == "yes", when(v == "yes" || v == "no") }}
	off = kind[bool]{accepts: "on or off",
		parse: func(v string) (bool, error) { return v == "off", when(v == "on" || v == "off") }}
	flakyPasses = kind[bool]{accepts: "fail or pass",
		parse: func(v string) (bool, error) { return v == "pass", when(v == "fail" || v == "pass") }}
	supersedes = kind[verdict.Supersede]{accepts: "waiting, running or no",
		parse: func(v string) (verdict.Supersede, error) {
			how, ok := map[string]verdict.Supersede{"waiting": verdict.SupersedeWaiting,
				"running": verdict.SupersedeRunning, "no": verdict.SupersedeNone}[v]
			return how, when(ok)
		}}
	onlyDeclared = kind[bool]{accepts: "add or declared",
		parse: func(v string) (bool, error) { return v == "declared", when(v == "add" || v == "declared") }}

	logFormat = kind[string]{accepts: "text or json",
		parse: func(v string) (string, error) { return v, when(v == "text" || v == "json") }}

	// GitHub shortens nothing: it refuses a longer context, and one with a character above U+FFFF.
	statusContext = kind[string]{accepts: "a name of at most 255 characters in one line, without emoji",
		parse: func(v string) (string, error) {
			return v, when(len(v) <= 255 && !strings.ContainsFunc(v, func(r rune) bool {
				return r == '\r' || r == '\n' || r > 0xffff
			}))
		}}
)

// tooLittleError is a value below the least of its setting.
type tooLittleError struct{ got, least string }

func (e *tooLittleError) Error() string {
	return fmt.Sprintf("it was taken as %s, and the least is %s", e.got, e.least)
}

// atLeast refuses smaller values, and shows how the value was read: "12", meant as 12 GiB, is 12
// bytes.
func atLeast(k kind[int64], least int64, show func(int64) string) kind[int64] {
	k.accepts = strings.TrimSuffix(k.accepts, " above 0") + ", at least " + show(least)
	parse := k.parse
	k.parse = func(v string) (int64, error) {
		n, err := parse(v)
		if err == nil && n < least {
			return 0, &tooLittleError{got: show(n), least: show(least)}
		}
		return n, err
	}
	return k
}

// orNone accepts 0 for no limit.
func orNone(k kind[int64]) kind[int64] {
	k.accepts += ", or 0 for no limit"
	parse := k.parse
	k.parse = func(v string) (int64, error) {
		if v == "0" {
			return 0, nil
		}
		return parse(v)
	}
	return k
}

func showCount(n int64) string { return strconv.FormatInt(n, 10) }

func parseNetworks(v string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for part := range strings.SplitSeq(v, ",") {
		p, err := netip.ParsePrefix(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func parseRepositories(v string) ([]string, error) {
	var all []string
	for part := range strings.SplitSeq(v, ",") {
		pattern := strings.TrimSpace(part)
		if err := registry.CheckPattern(pattern); err != nil {
			return nil, err
		}
		all = append(all, pattern)
	}
	return all, nil
}

func when(ok bool) error {
	if ok {
		return nil
	}
	return errNotAccepted
}
