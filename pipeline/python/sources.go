package python

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"vivarium/pipeline/hosts"
	"vivarium/pipeline/python/requirement"
)

// Sources are the places besides the configured package index from which pip gets packages, as far
// as the repository names them and the operator lists their hosts.
type Sources struct {
	Git     []GitSource
	Indexes []IndexSource
}

// GitSource is a repository on a git host, to be read without credentials.
type GitSource struct {
	Address string   // as pip hands it to git, without what it asks of the repository
	URL     *url.URL // of the repository
	Where   string   // the line that names it, such as requirements.txt:2
}

// IndexSource is a package index or a page of links.
type IndexSource struct {
	Option string   // that names it: --index-url, --extra-index-url or --find-links
	URL    *url.URL // without credentials
	Where  string   // the line that names it
}

// maxSources bounds how many places of one kind a repository may name.
const maxSources = 50

// The settings that list hosts, for messages.
const (
	gitHosts   = "VIVARIUM_GIT_HOSTS"
	indexHosts = "VIVARIUM_INDEX_HOSTS"
)

// openHosts are the hosts that the operator lists.
type openHosts struct{ git, index hosts.List }

// repositoryPath is the path of a repository: names without anything that git, pip or a host could
// read in another way.
var repositoryPath = regexp.MustCompile(`^(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// gitSource reads a requirement's address, such as git+https://HOST/OWNER/NAME.git@v1#egg=x. no says
// why builds do not get it; empty where they do.
func (h openHosts) gitSource(where string) (s GitSource, no string) {
	shown := withoutPassword(where)
	address, isGit := strings.CutPrefix(where, "git+")
	if !isGit {
		return s, fmt.Sprintf("%s is not open to builds: they get packages from the package index and from git hosts "+
			"that the operator lists (%s); ask for a release that is there", shown, gitHosts)
	}
	address, _, _ = strings.Cut(address, "#")
	u, err := url.Parse(address)
	if err == nil {
		if at := strings.LastIndex(u.Path, "@"); at >= 0 { // as pip does
			address = address[:len(address)-len(u.EscapedPath())+strings.LastIndex(u.EscapedPath(), "@")]
			u, err = url.Parse(address)
		}
	}
	address = strings.TrimRight(address, "/")
	switch {
	case err != nil:
		return s, fmt.Sprintf("%s is no address that builds can reach", shown)
	case hosts.Origin(u) == "":
		return s, notByThisScheme(shown, u)
	case !h.git.Has(u):
		return s, fmt.Sprintf("%s is not open to builds: the operator can open it by %s", shown, gitHosts)
	case hasPassword(u):
		return s, fmt.Sprintf("%s comes with a password: builds get dependencies without credentials; take it out", shown)
	case u.RawQuery != "" || !repositoryPath.MatchString(strings.TrimRight(u.EscapedPath(), "/")):
		return s, fmt.Sprintf("%s is no address of a repository", shown)
	}
	clean := &url.URL{Scheme: strings.ToLower(u.Scheme), Host: u.Host, Path: strings.TrimRight(u.Path, "/")}
	return GitSource{Address: address, URL: clean}, ""
}

// notByThisScheme says by which scheme an address can be reached.
func notByThisScheme(shown string, u *url.URL) string {
	if strings.EqualFold(u.Scheme, "ssh") {
		return shown + " is not open to builds, which have no ssh key: write git+https://"
	}
	return shown + " is not open to builds: dependencies come by git+https:// alone"
}

// hasPassword reports whether an address has credentials; git@HOST has none.
func hasPassword(u *url.URL) bool {
	_, set := u.User.Password()
	return set || u.User != nil && u.User.Username() != "git"
}

// addGit takes a requirement that comes from a place of its own, or refuses it.
func (in *installation) addGit(q requirement.Requirement) {
	s, no := in.open.gitSource(q.Where)
	if no == "" && len(in.sources.Git) == maxSources {
		no = fmt.Sprintf("more than %d repositories of git hosts are asked for", maxSources)
	}
	if no != "" {
		in.refuse(q.File, q.Line, no)
		return
	}
	s.Where = lineOf(q.File, q.Line)
	if !slices.ContainsFunc(in.sources.Git, func(o GitSource) bool { return o.Address == s.Address }) {
		in.sources.Git = append(in.sources.Git, s)
	}
}

// addIndex takes an option that names an index or a page of links, or refuses it.
func (in *installation) addIndex(o requirement.Option, u *url.URL) {
	shown, no := withoutPassword(o.Value), ""
	switch {
	case u == nil || hosts.Origin(u) == "":
		no = fmt.Sprintf("%s %s is no http or https address, and nothing else is open to builds", o.Name, shown)
	case !in.open.index.Has(u):
		no = fmt.Sprintf("%s of %s is not open to builds: the operator can open it by %s", o.Name, u.Host, indexHosts)
	case u.User != nil:
		no = fmt.Sprintf("%s %s comes with a password: builds get packages without credentials; take it out", o.Name, shown)
	case len(in.sources.Indexes) == maxSources:
		no = fmt.Sprintf("more than %d package indexes are asked for", maxSources)
	}
	if no != "" {
		in.refuse(o.File, o.Line, no)
		return
	}
	clean := *u
	clean.Fragment, clean.RawFragment = "", ""
	in.sources.Indexes = append(in.sources.Indexes,
		IndexSource{Option: o.Name, URL: &clean, Where: lineOf(o.File, o.Line)})
}
