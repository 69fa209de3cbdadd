package delivery

// changed is what a delivery tells that has become of a repository, or of its webhook.
type changed struct {
	audit  string // for the audit, before the repository's name; empty: nothing that stands there
	answer string // for who looks at the delivery on GitHub
	hides  bool   // nobody but those with a token may see its builds from now on
}

// ofRepository are the actions of the event repository
// (docs.github.com, "Webhook events and payloads"). A renaming stands in the audit once the
// registry follows it. What becomes public hides no more, but nothing shows what was built before:
// it was not meant for everybody.
var ofRepository = map[string]changed{
	"renamed":     {answer: "its entry follows the new name; earlier builds keep the old one"},
	"transferred": {audit: "transferred", answer: "its entry follows the new owner; earlier builds keep the old name"},
	"archived": {
		audit:  "archived",
		answer: "it can be read only: nothing more is built, and no status can be set; its builds stay",
	},
	"unarchived": {audit: "took out of the archive", answer: "its pushes are built again"},
	"deleted": {
		audit: "deleted", hides: true,
		answer: "its builds stay for those with a token alone; `vivarium repos purge` removes them",
	},
	"privatized": {audit: "made private", answer: "it is private, and so are its earlier builds now"},
	"publicized": {
		audit:  "made public",
		answer: "builds of its pushes are public from now on; those before stay private",
	},
}

// ofHook is the event meta, which a webhook sends as its last.
var ofHook = changed{
	audit: "deleted the webhook of",
	answer: "the webhook is gone, and no push is told of any more; `vivarium repos add --hooks` makes one, or " +
		"VIVARIUM_POLL does without",
}

// readChange reads an event repository or meta.
func readChange(event string, payload []byte) changed {
	action := string(as[struct {
		Action text `json:"action"`
	}](payload).Action)
	switch {
	case event == "repository":
		return ofRepository[action]
	case event == "meta" && action == "deleted":
		return ofHook
	}
	return changed{}
}
