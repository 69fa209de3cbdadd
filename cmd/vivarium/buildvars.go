package main

import (
	"vivarium/pipeline"
	"vivarium/pipeline/buildvars"
	"vivarium/pipeline/hosts"
)

// variables tell a build's commands of it.
func (s *daemon) variables(b pipeline.Build) []string {
	return buildvars.Of(b, buildvars.Server{
		URL: s.config.serverURL.String(), API: s.config.apiURL.String(), BuildURL: s.serverConfig().BuildURL(b.ID),
	})
}

// variablesOf tell a local build's commands what is known of what is built: of a folder nothing.
func (w *workshop) variablesOf(src titledSource) []string {
	git, ok := src.Source.(pipeline.Git)
	if !ok || hosts.Origin(git.URL) != hosts.Origin(w.config.serverURL) {
		return buildvars.Of(pipeline.Build{}, buildvars.Server{})
	}
	b := pipeline.Build{Repo: pipeline.Repository{FullName: git.Repo}, SHA: git.SHA}
	return buildvars.Of(b, buildvars.Server{URL: w.config.serverURL.String(), API: w.config.apiURL.String()})
}
