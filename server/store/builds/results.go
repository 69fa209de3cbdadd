package builds

import (
	"encoding/json"
	"fmt"
	"reflect"

	"vivarium/pipeline/results"
)

// storedResults is how what a step's tests came to stands in its row, as JSON. A field that is added
// later is empty in older rows, and in those from before there were any the text is empty.
type storedResults struct {
	Passed              int      `json:"passed,omitempty"`
	Failed              int      `json:"failed,omitempty"`
	Errors              int      `json:"errors,omitempty"`
	Skipped             int      `json:"skipped,omitempty"`
	ExpectedFailures    int      `json:"expected_failures,omitempty"`
	UnexpectedSuccesses int      `json:"unexpected_successes,omitempty"`
	Tampered            bool     `json:"tampered,omitempty"`
	Hung                string   `json:"hung,omitempty"`
	Crashed             string   `json:"crashed,omitempty"`
	Unreached           []string `json:"unreached,omitempty"`
	NotReached          int      `json:"not_reached,omitempty"`
	Seed                string   `json:"seed,omitempty"`
}

func encodeResults(s results.Summary) string {
	if reflect.DeepEqual(s, results.Summary{}) {
		return ""
	}
	text, err := json.Marshal(storedResults(s))
	if err != nil {
		panic(err) // strings and numbers can always be written
	}
	return string(text)
}

func decodeResults(text string) (results.Summary, error) {
	if text == "" {
		return results.Summary{}, nil
	}
	var s storedResults
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return results.Summary{}, fmt.Errorf("read what the tests of a step came to: %w", err)
	}
	return results.Summary(s), nil
}
