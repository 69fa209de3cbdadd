package answers

import (
	"fmt"
	"strings"
)

// Refusal is for the operator. It has the same words whether what a delivery claims to be of is let in
// or not, so every command in it works in both cases. name is an owner's for an organization's
// delivery, and empty when the delivery names neither, as the events of an App's installation do.
func Refusal(name string) string {
	switch {
	case name == "":
		return "no secret that counts has signed this delivery, which names neither a repository nor an organization: " +
			"`vivarium repos list` says which webhooks this server takes, and push and ping events are what it needs"
	case !strings.Contains(name, "/"):
		return fmt.Sprintf("no secret that counts for the whole of %[1]s has signed this delivery. `vivarium repos list` "+
			"says whether an organization's hook lets %[1]s in. If so, the hook on GitHub and this server hold different "+
			"secrets: compare them (`vivarium repos secret` with the pattern in that list, or GITHUB_WEBHOOK_SECRET). If "+
			"not, the operator can let it in: vivarium repos add '%[1]s/*' --organization. Where the list has that pattern "+
			"already, each of its repositories has a webhook of its own, and none of the organization's is needed", name)
	}
	return fmt.Sprintf("no secret that counts for %[1]s has signed this delivery. If %[1]s is let in, the webhook on "+
		"GitHub and this server hold different secrets: compare them (vivarium repos secret %[1]s, or "+
		"GITHUB_WEBHOOK_SECRET). If it is not, the operator can let it in: vivarium repos add %[1]s", name)
}
