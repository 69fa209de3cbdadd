// Package cookie keeps browsers signed in.
package cookie

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/http"

	"github.com/gorilla/sessions"

	"vivarium/server/store/people"
)

// Jar makes and reads the cookie of a session. It holds the session's secret, signed with a key of
// this server.
type Jar struct {
	name  string
	store *sessions.CookieStore
}

const sessionField = "session"

// New makes cookies for pages below base. Over HTTPS their name has a prefix. A browser refuses a
// cookie with this prefix from a neighbour that speaks HTTP, or from another host of the domain
// (RFC 6265bis, section 4.1.3).
func New(key []byte, base string, https bool) *Jar {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("vivarium session cookie"))
	c := &Jar{name: "vivarium", store: sessions.NewCookieStore(mac.Sum(nil))}
	c.store.Options = &sessions.Options{
		Path: base + "/", HttpOnly: true, Secure: https,
		SameSite: http.SameSiteLaxMode, // not strict: a status on the git host links to its build
	}
	switch {
	case https && base == "":
		c.name = "__Host-vivarium"
	case https:
		c.name = "__Secure-vivarium"
	}
	c.store.MaxAge(int(people.SessionLife.Seconds()))
	return c
}

// Session is the session that the browser sent. It is empty when there is none, or one that this
// server did not sign.
func (c *Jar) Session(r *http.Request) string {
	s, err := c.store.New(r, c.name)
	if err != nil {
		return ""
	}
	text, _ := s.Values[sessionField].(string)
	return text
}

// Set makes the browser keep a session.
func (c *Jar) Set(w http.ResponseWriter, r *http.Request, session string) error {
	return c.save(w, r, session, c.store.Options.MaxAge)
}

// Clear makes the browser forget its session.
func (c *Jar) Clear(w http.ResponseWriter, r *http.Request) error { return c.save(w, r, "", -1) }

func (c *Jar) save(w http.ResponseWriter, r *http.Request, session string, maxAge int) error {
	s := sessions.NewSession(c.store, c.name)
	options := *c.store.Options
	options.MaxAge = maxAge
	s.Options = &options
	s.Values[sessionField] = session
	return c.store.Save(r, w, s)
}
