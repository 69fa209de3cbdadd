// Package filter is which builds a list is asked for: the words in an address, what they mean, and
// the address of the same list again. All of it is pure.
package filter

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"vivarium/pipeline"
	"vivarium/sandbox/quantity"
	"vivarium/server/github/names"
	"vivarium/server/store/builds"
)

// Words are the parameters as they stand in an address. An empty one does not restrict.
type Words struct {
	Repo   string `query:"repo" doc:"Only those of OWNER/NAME." maxLength:"200"`
	Branch string `query:"branch" doc:"Only those of a branch, by its name without refs/heads/." maxLength:"300"`
	Author string `query:"author" doc:"Only those that this login pushed, in these letters." maxLength:"200"`
	State  string `query:"state" doc:"Only those in one state, such as failed."`
	Cause  string `query:"cause" doc:"Only those that did not pass for one cause, such as tests."`
	Text   string `query:"text" doc:"Only those whose message or summary has this text." maxLength:"200"`
	Since  string `query:"since" doc:"Only those queued then or later: 2026-11-30 in UTC, a time by RFC 3339, or 7d or 12h ago."`
	Until  string `query:"until" doc:"Only those queued before then, in the words of since."`
}

// Read takes the words out of an address.
func Read(address url.Values) Words {
	var w Words
	for _, one := range w.each() {
		*one.word = strings.TrimSpace(address.Get(one.name))
	}
	return w
}

// Any says that something restricts the list.
func (w Words) Any() bool { return w != Words{} }

// String shows the words to people, such as: repo octo/hello, state failed.
func (w Words) String() string {
	var shown []string
	for _, one := range w.each() {
		if *one.word != "" {
			shown = append(shown, one.name+" "+*one.word)
		}
	}
	return strings.Join(shown, ", ")
}

// Path is the address of the list's page of builds before an id, without the base; 0: of its newest.
func (w Words) Path(before int64) string {
	address := url.Values{}
	for _, one := range w.each() {
		if *one.word != "" {
			address.Set(one.name, *one.word)
		}
	}
	query := address.Encode()
	if before != 0 {
		query = strings.TrimPrefix(query+"&before="+strconv.FormatInt(before, 10), "&")
	}
	return (&url.URL{Path: "/logs", RawQuery: query}).String()
}

// parameter is one of the words, by its name in an address.
type parameter struct {
	name string
	word *string
}

// each are the words in the order in which people are shown them.
func (w *Words) each() []parameter {
	return []parameter{
		{"repo", &w.Repo}, {"branch", &w.Branch}, {"author", &w.Author}, {"state", &w.State}, {"cause", &w.Cause},
		{"text", &w.Text}, {"since", &w.Since}, {"until", &w.Until},
	}
}

// Query is what the words ask the store for, as of now and with times in zone. The error is for who
// wrote them.
func (w Words) Query(now time.Time, zone *time.Location) (q builds.Query, err error) {
	if err := w.check(); err != nil {
		return q, err
	}
	q.Repo, q.Author, q.Text = w.Repo, w.Author, w.Text
	q.State, q.Cause = pipeline.State(w.State), pipeline.Cause(w.Cause)
	if w.Branch != "" {
		q.Ref = pipeline.BranchRef(strings.TrimPrefix(w.Branch, "refs/heads/"))
	}
	if q.QueuedSince, err = moment(w.Since, now, zone); err != nil {
		return q, fmt.Errorf("since: %w", err)
	}
	if q.QueuedUntil, err = moment(w.Until, now, zone); err != nil {
		return q, fmt.Errorf("until: %w", err)
	}
	return q, nil
}

// check refuses words that nothing can fit.
func (w Words) check() error {
	if w.Repo != "" {
		if _, _, err := names.SplitFullName(w.Repo); err != nil {
			return fmt.Errorf("repo: %w", err)
		}
	}
	if w.State != "" && !slices.Contains(States, w.State) {
		return unknown("state", w.State, States)
	}
	if w.Cause != "" && !slices.Contains(Causes, w.Cause) {
		return unknown("cause", w.Cause, Causes)
	}
	return nil
}

// mostDays is how far back a time may lie: a century, so that none overflows.
const mostDays = 36500

// moment reads a day, a time, or how long ago something was: 90m, 12h, 7d. What names no zone is in
// zone.
func moment(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return day, nil // its first moment, for since and until alike
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= mostDays {
			return now.AddDate(0, 0, -n), nil
		}
	}
	t, err := quantity.ParsePast(text, now, zone)
	if err != nil {
		return t, fmt.Errorf("%w, nor a day such as 2026-11-30, nor how long ago such as 7d or 12h", err)
	}
	return t, nil
}
