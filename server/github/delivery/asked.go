package delivery

import (
	"encoding/json"
	"fmt"
	"strconv"

	"vivarium/server/github/names"
)

// Asked is what somebody asks for by a button of a check run or a check suite.
type Asked struct {
	What  string // as checkrun has it: rerun or cancel
	Build int64  // whose run it is; 0: all builds of SHA
	SHA   string
	By    string // the account that pressed it
}

// readAsked reads an event of a check, or says why nothing is asked for by it.
func readAsked(payload []byte) (*Asked, string) {
	var event struct {
		Action   text `json:"action"`
		CheckRun *struct {
			ExternalID text `json:"external_id"`
			HeadSHA    text `json:"head_sha"`
		} `json:"check_run"`
		Suite *struct {
			HeadSHA text `json:"head_sha"`
		} `json:"check_suite"`
		Requested struct {
			Identifier text `json:"identifier"`
		} `json:"requested_action"`
		Sender struct {
			Login text `json:"login"`
		} `json:"sender"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Sprintf("it is not a check's event as GitHub sends it: %v", err)
	}
	a := &Asked{What: "rerun", By: names.Clean(string(event.Sender.Login), names.MaxAuthor)}
	switch action := string(event.Action); {
	case event.CheckRun != nil && (action == "rerequested" || action == "requested_action"):
		a.SHA = string(event.CheckRun.HeadSHA)
		a.Build, _ = strconv.ParseInt(string(event.CheckRun.ExternalID), 10, 64)
		if a.Build <= 0 {
			return nil, "it is of a check run that is none of a build here"
		}
		if action == "requested_action" {
			a.What = names.Clean(string(event.Requested.Identifier), names.MaxAuthor)
		}
	case event.Suite != nil && action == "rerequested":
		a.SHA = string(event.Suite.HeadSHA)
	default:
		return nil, fmt.Sprintf("nothing is asked for by the action %.40q of a check", action)
	}
	if !names.ValidSHA(a.SHA) {
		return nil, "it names no commit"
	}
	return a, "buttons of checks count only where a GitHub App's secret has signed the delivery"
}
