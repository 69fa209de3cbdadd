package main

// serverSide are the defences of the server, its storage, its pages and the command line.
var serverSide = []mutant{
	// Deliveries.
	inDelivery("the signature", `if hmac.Equal(sent, mac.Sum(nil)) && secret != "" {`, `if secret != "" {`,
		"^TestDeliveries$"),
	inDelivery("the signature before anything", `	signer, err := checkSignature(u.sent, u.body, secrets)
	if err != nil {
		return Verified{}, err
	}
	origin`, `	signer, _ := checkSignature(u.sent, u.body, secrets)
	origin`, "^TestDeliveries$"),
	inDelivery("whose it is at the cost of a hash", `origin, err := findOrigin(payload)`,
		`origin, err := readOrigin(payload)`, "^TestUnsignedDeliveriesCostLittle$"),
	{"deliveries: one answer to who cannot sign", "server/signers/signers.go",
		`	if err != nil && !errors.Is(err, registry.ErrUnknown) {`, `	if err != nil && errors.Is(err, err) {`,
		"^TestWhoIsLetInIsNotTold$"},
	{
		"deliveries: as many secrets for all",
		"server/signers/signers.go",
		`for len(c.Secrets) < registry.MostSecrets {`,
		`for false {`,
		"^TestWhoIsLetInIsNotTold$",
	},
	inDelivery("no empty secret", `if hmac.Equal(sent, mac.Sum(nil)) && secret != "" {`,
		`if hmac.Equal(sent, mac.Sum(nil)) {`, "^TestDeliveries$/^no-secret-at-all$"),
	{"registry: an own secret and no other", "server/registry/registry.go",
		`return Grant{Entry: e, Secrets: r.secrets(e, e.SecretName, now), Renamed: renamed}, nil`,
		`return Grant{Entry: e, Secrets: append(r.secrets(e, e.SecretName, now), r.Shared), Renamed: renamed}, nil`,
		"^TestOthersRepositories$"},
	{
		"registry: each its own secret",
		"server/registry/secret.go",
		`strings.ToLower(name), generation)`,
		`strings.ToLower("one"), generation)`,
		"^TestOthersRepositories$",
	},
	{
		"registry: nothing that is not let in",
		"server/registry/registry.go",
		`return Matches(p, name) || ownerOf(p, name) })`,
		`return true })`,
		"^TestOthersRepositories$",
	},
	{
		"registry: the old secret ends",
		"server/registry/registry.go",
		`if e.Generation > 0 && now.Before(e.OldUntil) {`,
		`if e.Generation > 0 {`,
		"^TestOthersRepositories$",
	},
	{
		"registry: a renaming is GitHub's word",
		"server/renaming.go",
		`if !strings.EqualFold(name, origin.Name) {`,
		`if false && !strings.EqualFold(name, origin.Name) {`,
		"^TestOthersRepositories$",
	},
	inDelivery("one signature only", `if len(values) != 1 {
		return nil, fmt.Errorf("%w: want`, `if len(values) == 0 {
		return nil, fmt.Errorf("%w: want`, "^TestDeliveries$"),
	{"deliveries: nothing read that is not signed", "server/webhook.go",
		`if err := delivery.CheckSigned(in.request.Header); err != nil {`,
		`if err := delivery.CheckSigned(in.request.Header); err != nil && false {`, "^TestDeliveries$"},
	{
		"deliveries: size",
		"server/webhook.go",
		`if in.request.ContentLength > maxDelivery {`,
		`if false {`,
		"^TestDeliveries$",
	},
	{"registry: an App's secret lets nothing in", "server/registry/registry.go",
		`if r.App == "" || err != nil && strings.Contains(c.Name, "/") {`, `if r.App == "" {`, "^TestTheAppsDeliveries$"},
	{
		"buttons: signed by the App's secret",
		"server/webhook.go",
		`case d.Asked != nil && d.byApp:`,
		`case d.Asked != nil:`,
		"^TestTheAppsDeliveries$",
	},
	{"buttons: of one's own builds", "server/asked/asked.go",
		`Sight: builds.Sight{All: true}, Repo: repo, SHA: a.SHA,`,
		`Sight: builds.Sight{All: true}, SHA: a.SHA,`, "^TestTheAppsDeliveries$"},
	{
		"deliveries: each once",
		"server/store/queue/push.go",
		`Where("repo_key = ? AND (guid = ? OR body_hash = ?)",
		strings.ToLower(p.Repo.FullName), p.GUID, p.BodyHash)`,
		`Where("1 = 0")`,
		"^TestDeliveries$",
	},

	// Whom a request comes from.
	{"clients: no private network is trusted unasked", "server/proxy.go",
		`echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)`, ``,
		"^TestClaimedAddresses$"},
	{"clients: the setting's networks alone", "server/proxy.go", `return echo.ExtractIPFromXFFHeader(options...)`,
		`return echo.ExtractIPFromXFFHeader(echo.TrustIPRange(` +
			`&net.IPNet{IP: make(net.IP, 4), Mask: make(net.IPMask, 4)}), options[0])`, "^TestClaimedAddresses$"},
	{"clients: a proxy is not local", "server/viewer.go",
		`!s.config.isPublic() && !s.throughProxy(r) && nearby.IsLocal(r)`,
		`!s.config.isPublic() && nearby.IsLocal(r)`, "^TestClaimedAddresses$"},

	// The page.
	{"page: text is not markup, in the script", "server/web/static/build.js",
		`span.textContent = text.slice(from, to);`,
		`span.innerHTML = text.slice(from, to);`, "^TestOutputInTheBrowser$"},
	{
		"page: text is not markup, in the template",
		"server/web/web.go",
		`"html/template"`,
		`"text/template"`,
		"^TestOutputInTheBrowser$",
	},
	{"page: policy", "server/pages.go", `c.Response().Header().Set("Content-Security-Policy", policy)`,
		`c.Response().Header().Del("Content-Security-Policy")`, "^TestOutputInTheBrowser$"},
	{"page: no bidirectional controls", "pipeline/termtext/visible.go", `case unicode.Is(unicode.Bidi_Control, r):`,
		`case false && unicode.Is(unicode.Bidi_Control, r):`, "^TestOutputInTheBrowser$"},
	{
		"answers: not sniffed",
		"server/server.go",
		`h.Set("X-Content-Type-Options", "nosniff")`,
		``,
		"^TestOutputInTheBrowser$",
	},
	{"answers: policy", "server/server.go",
		"h.Set(\"Content-Security-Policy\",\n\t\t\t" +
			`"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")`,
		``, "^TestOutputInTheBrowser$"},
	{
		"raw log: plain text",
		"server/raw.go",
		`"Content-Type", "text/plain; charset=utf-8"`,
		`"Content-Type", "text/html; charset=utf-8"`,
		"^TestOutputInTheBrowser$",
	},

	// The terminal.
	inFilterOfText("only colours", "filter.go", `if r == 'm' && f.Colour && isSGR(f.params) {`, `if f.Colour {`),
	inFilterOfText("no control strings", "filter.go", `		f.state = command
	case r >= ' '`, `		f.state = ground
		return append(out, esc, byte(r))
	case r >= ' '`),
	inFilterOfText("no control characters", "visible.go", `case r == '\n' || r == '\t' || r >= ' ' && r < 0x7f:`,
		`case r < 0x80:`),
	inFilterOfText("no bidirectional controls", "visible.go", `case unicode.Is(unicode.Bidi_Control, r):`,
		`case false && unicode.Is(unicode.Bidi_Control, r):`),
	inFilterOfText("no eight-bit controls", "visible.go", `case r >= 0xa0:`, `case r >= 0x80:`),

	// The masker.
	inMask("the secret as it is", "patterns.go", `all = append(all, s, h, strings.ToUpper(h))`,
		`all = append(all, h, strings.ToUpper(h))`),
	inMask("hexadecimal", "patterns.go", `all = append(all, s, h, strings.ToUpper(h))`,
		`all = append(all, s, strings.ToUpper(h))`),
	inMask("percent-encoding", "patterns.go", `all = append(all, percentForms(s)...)`, ``),
	inMask("base64", "patterns.go", `	all = append(all, base64Patterns(secrets)...)
	slices.Sort(all)`, `	slices.Sort(all)`),
	inMask("base64 at any place", "patterns.go", `for offset := range 3 {`, `for offset := range 1 {`),
	inMask("base64 in lines", "wrapped.go",
		`over := w.state != 0 && (c == '\r' && w.last == 0 || c == '\n' && w.last != '\n')`, `over := false`),
	inMask("what may be the beginning is held back", "mask.go",
		`keep := max(m.auto.depth(m.state), m.wrapped.held(total))`, `keep := 0`),
	{
		"masking: what is stored",
		"server/store/buildlog/cutter.go",
		`c.add(stream, m.Write(p))`,
		`c.add(stream, p)`,
		"^TestMasking$",
	},

	// The attempt fence.
	{"fence: the state and steps of a build", "server/store/builds/fence.go",
		`Where("id = ? AND attempt = ? AND state = ?", build, attempt, pipeline.Running)`,
		`Where("id = ? AND (attempt = ? OR state = ? OR true)", build, attempt, pipeline.Running)`, "^TestAttempts$"},
	{"fence: the log and the steps", "server/store/buildlog/commit.go",
		`builds.Fenced(tx, build, attempt).Model(&b)`,
		`tx.Model(&b).Where("id = ?", build)`, "^TestAttempts$"},
}

func inDelivery(name, old, new, attacks string) mutant {
	return mutant{"deliveries: " + name, "server/github/delivery/delivery.go", old, new, attacks}
}

func inFilterOfText(name, file, old, new string) mutant {
	return mutant{"terminal: " + name, "pipeline/termtext/" + file, old, new, "^TestOutputInTheTerminal$"}
}

func inMask(name, file, old, new string) mutant {
	return mutant{"masking: " + name, "pipeline/mask/" + file, old, new, "^TestMasking$"}
}
