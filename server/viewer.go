package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"vivarium/server/nearby"
	"vivarium/server/pullrequests"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
)

// viewer is who asks: which builds they see, and by what right.
type viewer struct {
	sight   builds.Sight
	name    string // of the token that they signed in with; empty: none
	client  string // the address; only of who sends a token
	local   bool   // a program on this machine
	bearer  string // the token in the request; empty: none
	session string // the browser's session; empty: none
}

type viewerKey struct{}

// viewerOf is who asks. On routes without the access rule readers it is nobody, who sees nothing:
// such a route cannot show anything by mistake.
func viewerOf(ctx context.Context) viewer {
	v, _ := knownViewer(ctx)
	return v
}

// knownViewer is who asks, and whether the route has found that out.
func knownViewer(ctx context.Context) (viewer, bool) {
	v, known := ctx.Value(viewerKey{}).(viewer)
	return v, known
}

func withViewer(r *http.Request, v viewer) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), viewerKey{}, v))
}

// viewer finds out who asks. A bearer token comes first, since a program sends it for this request
// only; then a browser's session; then the machine that the request comes from. An unknown session
// counts as none, since a browser cannot help what it holds. An unknown bearer token is an error at
// every address.
func (s *Server) viewer(r *http.Request, client string) (viewer, error) {
	if text, ok := bearerOf(r); ok {
		t, err := s.byBearer(r.Context(), client, text)
		return viewer{sight: s.opens(t), name: t.Name(), client: client, bearer: text}, err
	}
	if session := s.cookies.Session(r); session != "" {
		t, err := s.builds.People.Session(r.Context(), session)
		if err == nil {
			return viewer{sight: s.opens(t), name: t.Name(), session: session}, nil
		}
		if !errors.Is(err, database.ErrNotFound) {
			return viewer{}, err
		}
	}
	if s.fromHere(r) {
		return viewer{sight: builds.Sight{All: true}, local: true}, nil
	}
	return viewer{sight: builds.Sight{Public: s.config.PublicBuilds}}, nil
}

// fromHere reports whether a program on this machine asks, for itself.
func (s *Server) fromHere(r *http.Request) bool {
	return !s.config.isPublic() && !s.throughProxy(r) && nearby.IsLocal(r)
}

// opens is what a token lets its holder see.
func (s *Server) opens(t people.Token) builds.Sight {
	return builds.Sight{All: t.Operator(), Public: s.config.PublicBuilds, Pattern: t.Pattern}
}

// bearerOf is the token in a request (RFC 6750, section 2.1). Other schemes are a proxy's business.
func bearerOf(r *http.Request) (token string, ok bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// operator is who sends the operator's token with this request: neither a browser's session nor a
// program on this machine is enough to change something.
func (s *Server) operator(ctx context.Context) (people.Actor, error) {
	v := viewerOf(ctx)
	if v.bearer == "" || !v.sight.All {
		return people.Actor{}, pullrequests.ErrNoOperator
	}
	return people.Actor{Who: v.name, From: v.client}, nil
}

func (s *Server) byBearer(ctx context.Context, client, text string) (t people.Token, err error) {
	err = s.bearers.Attempt(client, func() error {
		t, err = s.builds.People.TokenOf(ctx, text)
		return err
	})
	if errors.Is(err, database.ErrNotFound) {
		err = &Problem{Message: "this bearer token is not known; `vivarium token` makes one",
			status: http.StatusUnauthorized}
	}
	return t, err
}

// still reports whether the right of v still holds. Followers of a log are checked again and again.
func (s *Server) still(ctx context.Context, v viewer) (bool, error) {
	var err error
	switch {
	case v.bearer != "":
		_, err = s.builds.People.TokenOf(ctx, v.bearer)
	case v.session != "":
		_, err = s.builds.People.Session(ctx, v.session)
	}
	if errors.Is(err, database.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
