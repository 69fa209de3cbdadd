package main

import (
	"vivarium/cmd/vivarium/asking"
	"vivarium/server/github"
)

// asker is what asks GitHub besides the builds. Without a token nobody may ask for deliveries.
func (s *daemon) asker(client *github.Client) asking.Asker {
	a := asking.Asker{
		LetIn: s.config.letIn(), Store: s.store, Client: client, Log: s.log, Poll: s.config.poll, Tags: s.config.tags,
		Budget: s.config.sendsAtMost(), Account: s.tokens.Account,
	}
	if s.config.publicURL != nil && (s.config.token != "" || s.config.githubApp.IsSet()) {
		a.HookURL = s.config.hookURL()
	}
	return a
}

// hookURL is where GitHub delivers to; publicURL is set.
func (c config) hookURL() string { return c.publicURL.JoinPath("webhook").String() }

func (c config) letIn() asking.LetIn {
	return asking.LetIn{Shared: string(c.webhookSecret), For: c.repositories}
}
