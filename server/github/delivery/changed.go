package delivery

import "slices"

// Bounds up to which a push event names all files that changed (docs.github.com, "Webhook events and
// payloads").
const (
	mostCommits = 2048 // in an event
	mostFiles   = 3000 // of a commit
	// mostChanged is our own bound on the files of a push: more of them are not known.
	mostChanged = 10_000
)

// Changed are the files that a push may have changed since the commit that its branch was at. It is nil
// where they are not known: of a push that was forced or that made its branch, and where the event
// leaves out some.
func (d Verified) Changed() []string {
	if d.Push == nil || d.Push.Before == "" {
		return nil
	}
	event := as[struct {
		Created, Forced flag
		Commits         []struct {
			ID                       string
			Added, Removed, Modified *[]string
		}
	}](d.read.payload)
	n := len(event.Commits)
	if event.Created.isTrue() || event.Forced.isTrue() ||
		n == 0 || n >= mostCommits || event.Commits[n-1].ID != d.Push.SHA {
		return nil
	}
	var files []string
	for _, c := range event.Commits {
		if c.Added == nil || c.Removed == nil || c.Modified == nil {
			return nil
		}
		own := slices.Concat(*c.Added, *c.Removed, *c.Modified)
		if files = append(files, own...); len(own) >= mostFiles || len(files) > mostChanged {
			return nil
		}
	}
	return files
}
