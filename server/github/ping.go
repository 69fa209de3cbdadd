package github

import (
	"fmt"
	"slices"
	"strings"
)

// needed are the events that a hook must send for anything to be built.
var needed = []string{"push"}

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
	lacking := slices.DeleteFunc(slices.Clone(needed), func(event string) bool {
		return slices.Contains(hook.Events, event) || slices.Contains(hook.Events, "*")
	})
	if len(lacking) > 0 {
		return fmt.Sprintf("ping received, but this webhook does not send the event %s, so nothing will be built: add it "+
			"among the webhook's events on GitHub", strings.Join(lacking, ", "))
	}
	return "ping received: the webhook works, and pushes will be built"
}
