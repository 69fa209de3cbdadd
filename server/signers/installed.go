package signers

import (
	"context"
	"fmt"

	"vivarium/pipeline"
	"vivarium/server/github/delivery"
	"vivarium/server/registry"
	"vivarium/server/store/entries"
)

// mostNoted is how many of an installation's repositories are noted at once: GitHub waits 10 s
// for an answer. Those beyond are noted at their first push.
const mostNoted = 100

// Note takes note of what GitHub tells of an installation of the App, and says so in words for the
// operator, who reads them among the App's recent deliveries. It lets nothing in that the operator
// has not let in; of that it notes what the App sees.
func (s Signers) Note(ctx context.Context, in delivery.Installed) (words string, err error) {
	for _, r := range in.Lost[:min(len(in.Lost), mostNoted)] {
		if err := entries.SetApp(ctx, s.Entries, registry.Entry{}, r.FullName, false); err != nil {
			return "", err
		}
	}
	noted, closed := 0, 0
	for _, r := range in.Sees[:min(len(in.Sees), mostNoted)] {
		letIn, err := s.noteOne(ctx, r)
		if err != nil {
			return "", err
		}
		if letIn {
			noted++
		} else {
			closed++
		}
	}
	return installedWords(in, noted, closed), nil
}

// noteOne notes that the App sees a repository, if that is let in.
func (s Signers) noteOne(ctx context.Context, r pipeline.Repository) (letIn bool, err error) {
	c, err := s.Of(ctx, registry.Origin{Name: r.FullName, ID: r.ID})
	if err != nil || !c.letIn || c.Renamed {
		return false, err
	}
	if err := s.Entries.Heard(ctx, c.Entry, r); err != nil {
		return false, err
	}
	return true, entries.SetApp(ctx, s.Entries, c.Entry, r.FullName, true)
}

func installedWords(in delivery.Installed, noted, closed int) string {
	switch {
	case len(in.Sees) == 0:
		return fmt.Sprintf("the installation in %s was noted (%s); what the App's tokens cover is asked anew", in.Account,
			in.Action)
	case closed == 0:
		return fmt.Sprintf("the App sees %d repositories of %s, all of them let in", len(in.Sees), in.Account)
	}
	return fmt.Sprintf("the App sees %d repositories of %s, of which %d are let in and %d are not: vivarium repos add "+
		"'%s/*' lets all in", len(in.Sees), in.Account, noted, closed, in.Account)
}
