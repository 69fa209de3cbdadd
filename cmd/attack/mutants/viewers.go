package main

// viewers are the defences that keep somebody from another's builds and another's session.
var viewers = []mutant{
	{
		"viewers: one build",
		"server/store/builds/builds.go",
		`v.restrict(b.db.Read(ctx), "builds").Take(`,
		`b.db.Read(ctx).Take(`,
		"^TestOthersBuilds$",
	},
	{
		"viewers: lists of builds",
		"server/store/builds/list.go",
		`q.where(q.Sight.restrict(b.db.Read(ctx), "builds"))`,
		`q.where(b.db.Read(ctx))`,
		"^TestOthersBuilds$",
	},
	{"viewers: nobody is local on a public server", "server/viewer.go",
		`return !s.config.isPublic() && !s.throughProxy(r) && nearby.IsLocal(r)`,
		`return !s.throughProxy(r) && nearby.IsLocal(r)`, "^TestOthersBuilds$"},
	{
		"viewers: a token is found by all of its text",
		"server/store/people/tokens.go",
		`Where("hash = ?", hashSecret(text))`,
		`Where("hash LIKE ?", "%")`,
		"^TestGuessedTokens$",
	},
	{
		"sign-in: failures are bounded", "server/throttle/throttle.go", `; left < 1 {`, `; left < -1e9 {`,
		"^TestGuessedTokens$",
	},
	{"sign-in: an address is not what a header claims", "server/server.go",
		`s.echo.IPExtractor = clientAddress(c.TrustedProxies)`,
		`s.echo.IPExtractor = echo.ExtractIPFromXFFHeader()`, "^TestGuessedTokens$"},
	{"sign-in: a new session ends the old", "server/signin.go", `	if err := s.endSession(r); err != nil {
		return err
	}
	if err := s.cookies.Set`, `	if err := s.cookies.Set`, "^TestSignInByBrowser$"},
	{
		"sign-in: leads to a path of ours",
		"server/signin.go",
		`next := ownPath(r.PostForm.Get("next"))`,
		`next := r.PostForm.Get("next")`,
		"^TestSignInByBrowser$",
	},
	{
		"sign-in: out of the reach of scripts",
		"server/cookie/cookie.go",
		`HttpOnly: true,`,
		`HttpOnly: false,`,
		"^TestSignInByBrowser$",
	},
	{
		"sign-in: no posts of other sites",
		"server/samesite.go",
		`err := protection.Check(c.Request()); err != nil {`,
		`err := error(nil); err != nil {`,
		"^TestSignInByBrowser$",
	},
}
