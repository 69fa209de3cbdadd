package server

import (
	"context"
	"strings"

	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/web"
)

type badgeInput struct {
	Owner  string `path:"owner" doc:"The repository's owner."`
	File   string `path:"file" doc:"The repository's name and .svg."`
	Branch string `query:"branch" doc:"A branch; the default branch when it is left out."`
	Site   string `header:"Sec-Fetch-Site" hidden:"true"`
}

type badgeAnswer struct {
	ContentType string `header:"Content-Type"`
	Resource    string `header:"Cross-Origin-Resource-Policy" hidden:"true"`
	Body        []byte
}

// badge is a picture of a branch's last result. A page of any site may show the picture, and can
// tell which one it is. So what the page's visitor may see does not count there: the badge shows only
// builds that everybody may see. A branch without any has a badge, too, the same as one that is not
// there: a README has it before the first push.
func (s *Server) badge(ctx context.Context, in *badgeInput) (*badgeAnswer, error) {
	name, isPicture := strings.CutSuffix(in.File, ".svg")
	sight := viewerOf(ctx).sight
	if in.Site == "cross-site" || in.Site == "same-site" {
		sight = builds.Sight{Public: s.config.PublicBuilds}
	}
	q := builds.VerdictQuery{
		Sight: sight, Repos: in.Owner + "/" + name, Branch: in.Branch, DefaultBranch: in.Branch == "", Limit: 1,
	}
	if !isPicture || !isText(in.Branch) || registry.CheckPattern(q.Repos) != nil || registry.IsPattern(q.Repos) {
		return nil, database.ErrNotFound
	}
	verdicts, err := s.builds.Builds.Verdicts(ctx, q)
	if err != nil {
		return nil, err
	}
	a := &badgeAnswer{ContentType: "image/svg+xml", Resource: "cross-origin", Body: web.NoBadge()}
	if len(verdicts) > 0 {
		a.Body = web.Badge(verdicts[0].Judged.State)
	}
	return a, nil
}
