package delivery

import (
	"encoding/json"
	"fmt"

	"vivarium/pipeline"
	"vivarium/server/github/names"
)

// Installed is what GitHub tells of an installation of an App: that it was made or ended, or that it
// sees other repositories.
type Installed struct {
	Action  string // created, deleted, suspend, unsuspend, new_permissions_accepted, added, removed
	Account string // whose it is
	Sees    []pipeline.Repository
	Lost    []pipeline.Repository // which it sees no longer
}

// repositoryList are repositories in an installation's event. Those without a name that GitHub
// gives are left out.
type repositoryList []pipeline.Repository

func (l *repositoryList) UnmarshalJSON(b []byte) error {
	var all []struct {
		ID       int64  `json:"id"`
		FullName string `json:"full_name"`
		Private  flag   `json:"private"`
	}
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for _, r := range all {
		if _, _, err := names.SplitFullName(r.FullName); err == nil {
			private := r.Private.said == nil || *r.Private.said
			*l = append(*l, pipeline.Repository{ID: r.ID, FullName: r.FullName, Private: private})
		}
	}
	return nil
}

// readInstalled reads an event of an installation. One that cannot be read is ignored: whatever it
// says, GitHub is asked when it matters.
func readInstalled(payload []byte) (*Installed, string) {
	var event struct {
		Action       text `json:"action"`
		Installation struct {
			Account struct {
				Login text `json:"login"`
			} `json:"account"`
		} `json:"installation"`
		Repositories repositoryList `json:"repositories"`
		Added        repositoryList `json:"repositories_added"`
		Removed      repositoryList `json:"repositories_removed"`
	}
	const notOurs = "events of installations count only for a GitHub App of this server, signed by its secret"
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Sprintf("it is not an installation's event as GitHub sends it: %v", err)
	}
	in := &Installed{
		Action:  names.Clean(string(event.Action), names.MaxAuthor),
		Account: names.Clean(string(event.Installation.Account.Login), names.MaxAuthor),
		Sees:    append(event.Repositories, event.Added...), Lost: event.Removed,
	}
	if in.Action == "deleted" || in.Action == "suspend" {
		in.Sees, in.Lost = nil, in.Sees
	}
	return in, notOurs
}
