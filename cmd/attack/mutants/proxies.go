package main

// proxies are the refusals of the two services.
var proxies = []mutant{
	// The git service: what may be asked.
	inEgress("git: paths as they were sent", "gitcall.go", `switch r.RequestURI {`,
		`switch r.URL.RequestURI() {`, "^TestGitProxy$"),
	inEgress("git: nothing but two requests", "gitcall.go",
		`return c, refuse(http.StatusNotFound, `+
			`"only a fetch from %s over git's smart HTTP protocol is offered here",`+"\n\t\t\trepository)",
		passOn, "^TestGitProxy$"),
	inEgress("git: no pushes", "gitcall.go",
		`return c, refuse(http.StatusForbidden, "this repository can only be fetched from, not pushed to")`,
		passOn, "^TestGitProxy$"),
	inEgress("git: headers of its own only", "gitcall.go", `return c, c.addClientHeaders(r)`,
		"for name, values := range r.Header {\n\t\tif _, own := c.header[name]; !own {\n"+
			"\t\t\tc.header[name] = values\n\t\t}\n\t}\n\treturn c, c.addClientHeaders(r)",
		"^TestGitProxy$"),
	// Where it goes, and with what.
	inEgress("git: the token for the repository alone", "gitupstream.go", `g.auth != "" && base == g.upstream`,
		`g.auth != ""`, "^TestGitRedirects$"),
	inEgress("git: no private address by a redirect", "gitupstream.go", `rt := g.other
	if origin(req.URL) == g.origin {
		rt = g.own
	}`, `rt := g.own`, "^TestGitRedirects$"),
	inEgress("git: size of a repository", "git.go", `stream(w, g.bound(dog.Reader(res.Body)), g.maxBytes)`,
		`stream(w, g.bound(dog.Reader(res.Body)), 1<<60)`, "^TestGitBound$"),

	// The index service: what may be asked.
	inEgress("index: reading only", "session.go", `if r.Method != http.MethodGet && r.Method != http.MethodHead {`,
		`if r.Method == http.MethodConnect {`, "^TestIndexProxy$"),
	inEgress("index: paths as they were sent", "session.go", `strings.CutPrefix(r.RequestURI, IndexPath)`,
		`strings.CutPrefix(r.URL.Path, IndexPath)`, "^TestIndexProxy$"),
	inEgress("index: names of projects", "session.go", `slash && projectPattern.MatchString(project)`,
		`slash`, "^TestIndexProxy$"),
	inEgress(
		"index: links of its own pages only",
		"session.go",
		`	if link, ok := strings.CutPrefix(r.RequestURI, simpleindex.FilesPath); ok {`,
		`	if u, err := url.Parse(strings.TrimPrefix(r.RequestURI, simpleindex.FilesPath)); `+
			`err == nil && u.Host != "" {
		return s.serveFile(w, r, wanted{}, download{name: "x", url: u, limit: s.index.maxFile, room: s.room})
	}
	if link, ok := strings.CutPrefix(r.RequestURI, simpleindex.FilesPath); ok {`,
		"^TestIndexProxy$",
	),
	// Where it goes.
	inEgress("index: addresses, for http", "fetcher.go", `listed: guard{allow: allow}.transport(roots),`,
		`listed: transport(roots),`, "^TestIndexLinks$"),
	inEgress("index: addresses, when dialled", "dial.go", `if !g.permits(ap.Addr()) {`,
		`if false {`, "^TestIndexLinks$|^TestGitRedirects$"),
	inEgress("index: redirects by the same rules", "fetcher.go", `own = own && f.owns(u, t.checked)`,
		`own = t.trusted`, "^TestIndexLinks$"),
	inEgress("index: its own rights are lost on the way", "fetcher.go", `own = own && f.owns(u, t.checked)`,
		`own = t.trusted && f.owns(u, t.checked)`, "^TestIndexRights$"),
	inEgress("index: its own rights for its own pages", "simpleindex/file.go", `Own: base.own`, `Own: true`,
		"^TestIndexRights$"),
	inEgress("index: its own rights below its path", "fetcher.go", `return checked || below`,
		`return checked || below || true`, "^TestIndexRights$"),
	inEgress("index: its own rights, by encoded dots", "fetcher.go", `!strings.Contains(u.Path, "/../") && `, ``,
		"^TestIndexRights$"),
	// How much of the server's memory it takes.
	inEgress("index: shape of a page", "simpleindex/shape.go", `s.part > maxPart`, `false`, "^TestIndexPages$"),
	inEgress("index: memory of a page", "simpleindex/rooms.go", `l.bytes > maxPageMemory`, `false`, "^TestIndexPages$"),
	inEgress("index: memory of all pages", "simpleindex/rooms.go", `l.bytes > smallPage && !l.large`, `false`,
		"^TestIndexPages$"),
	inEgress("loopback is private", "dial.go", `"127.0.0.0/8", `, ``, "^TestGitRedirects$"),
	inEgress("link-local is private", "dial.go", `, "169.254.0.0/16",`, `,`, "^TestGitRedirects$"),
	inEgress("a LAN is private", "dial.go", `, "192.168.0.0/16",`, `,`, "^TestGitRedirects$"),
	inEgress("IPv6 is public in 2000::/3 only", "dial.go", `MustParsePrefix("2000::/3")`, `MustParsePrefix("::/0")`,
		"^TestGitRedirects$"),
	// An IPv4 address inside an IPv6 one has no mutant: it is unwrapped in two places, and each
	// alone keeps it out.

	// What arrives.
	inEgress("index: the hash of a file", "transfer.go", `if hex.EncodeToString(sum.Sum(nil)) != t.sha256 {`,
		`if false && hex.EncodeToString(sum.Sum(nil)) != t.sha256 {`, "^TestPoison$"),
	{"proxies: index: the hash of a kept file", "sandbox/filecache/file.go", `if !checked && !check(k.File, hash) {`,
		`if !checked && false {`, "^TestKeptFiles$"},
	inEgress("index: links of this build alone", "session.go", `	f := s.links[id]
	s.mu.Unlock()`, `	f := s.links[id]
	s.mu.Unlock()
	s.index.pages.mu.Lock()
	for _, p := range s.index.pages.pages {
		for _, other := range p.Files {
			if other.ID == id {
				f = other
			}
		}
	}
	s.index.pages.mu.Unlock()`, "^TestOthersLinks$"),
	// What a build depends on.
	inEgress("dependencies: hosts that are listed", "repositories/repositories.go", `if c.Listed(u) {`, `if true {`,
		"^TestDependencies$"),
	inEgress("dependencies: redirects to listed hosts", "gitupstream.go", `g.leads != nil && !g.leads(to)`,
		`false && !g.leads(to)`,
		"^TestDependencies$"),
	inEgress("dependencies: without credentials", "repositories/repositories.go", `Upstream: u, MaxBytes:`,
		`Upstream: u, Token: "attack-canary-token-41b7d0", MaxBytes:`, "^TestDependencies$"),
	{"proxies: dependencies: the plan's hosts", "pipeline/python/sources.go", `case !h.git.Has(u):`, `case false:`,
		"^TestDependenciesOfAPlan$"},
	// When the services are offered.
	{"proxies: index: only while it installs", "pipeline/steps.go", `closed := open.Close()`,
		`closed := error(nil)`, "^TestServices$"},
	{"proxies: git: only while it clones", "pipeline/clone.go", `closed := service.Close()`,
		`closed := error(nil)`, "^TestServices$"},
}

// passOn takes the place of a refusal, and passes the request on.
const passOn = `c = gitCall{method: r.Method, path: r.RequestURI[min(len(GitPath), len(r.RequestURI)):]}`

func inEgress(name, file, old, new, attacks string) mutant {
	return mutant{"proxies: " + name, "sandbox/egress/" + file, old, new, attacks}
}
