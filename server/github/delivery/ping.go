package delivery

import (
	"fmt"
	"slices"
	"strings"
)

// needed are the events that a hook must send for anything to be built; wished those for pull requests.
var needed, wished = []string{"push"}, []string{"pull_request"}

// pinged answers the ping by which GitHub tries a new webhook: it says which events the hook lacks.
func pinged(payload []byte) string {
	hook := as[struct {
		Hook struct {
			Events []string `json:"events"`
		} `json:"hook"`
	}](payload).Hook
	if len(hook.Events) == 0 { // not said
		return "ping received: the webhook works, and pushes will be built"
	}
	lacks := func(events []string) string {
		return strings.Join(slices.DeleteFunc(slices.Clone(events), func(event string) bool {
			return slices.Contains(hook.Events, event) || slices.Contains(hook.Events, "*")
		}), ", ")
	}
	if events := lacks(needed); events != "" {
		return fmt.Sprintf("ping received, but this webhook does not send the event %s, so nothing will be built: add it "+
			"among the webhook's events on GitHub", events)
	}
	if events := lacks(wished); events != "" {
		return fmt.Sprintf("ping received: the webhook works, and pushes will be built. Pull requests will not: for "+
			"these add the event %s among the webhook's events on GitHub", events)
	}
	return "ping received: the webhook works: pushes and pull requests will be built"
}
