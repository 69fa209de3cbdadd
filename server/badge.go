package server

import (
	"context"
	"strings"

	"vivarium/server/registry"
	"vivarium/server/store"
	"vivarium/server/web"
)

type badgeInput struct {
	Owner  string `path:"owner" doc:"The repository's owner."`
	File   string `path:"file" doc:"The repository's name and .svg."`
	Branch string `query:"branch" doc:"A branch; the default branch when it is left out."`
}

type badgeAnswer struct {
	ContentType string `header:"Content-Type"`
	Resource    string `header:"Cross-Origin-Resource-Policy" hidden:"true"`
	Body        []byte
}

// badge is a picture of what a branch came to last. A page of any site may show it; what such a page's visitor may see here
// beyond what everybody may, the browser does not let it ask for: cookies do not go along.
func (s *Server) badge(ctx context.Context, in *badgeInput) (*badgeAnswer, error) {
	name, isPicture := strings.CutSuffix(in.File, ".svg")
	q := store.VerdictQuery{Sight: viewerOf(ctx).sight, Repos: in.Owner + "/" + name, DefaultBranch: in.Branch == "", Limit: 1}
	if in.Branch != "" {
		q.Ref = "refs/heads/" + in.Branch
	}
	if !isPicture || registry.CheckPattern(q.Repos) != nil || registry.IsPattern(q.Repos) {
		return nil, store.ErrNotFound
	}
	verdicts, err := s.builds.Verdicts(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(verdicts) == 0 {
		return nil, store.ErrNotFound
	}
	return &badgeAnswer{ContentType: "image/svg+xml", Resource: "cross-origin", Body: web.Badge(verdicts[0].Judged.State)}, nil
}
