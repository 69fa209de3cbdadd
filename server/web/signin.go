package web

// Visitor is who sees a page, as far as every page shows it.
type Visitor struct {
	Name  string // of the token that the visitor signed in with; empty when not signed in
	Local bool   // a program on the server's own machine, which sees everything
	// Next is where signing in leads, without the base: the address of the page itself.
	Next string
}

// SignIn asks for a token.
type SignIn struct {
	Next    string // where signing in leads, without the base
	Message string // what was wrong with the last attempt
}

func (SignIn) template() string { return "signin.html" }
