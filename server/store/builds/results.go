package builds

import (
	"encoding/json"
	"fmt"
	"reflect"

	"vivarium/pipeline/results"
)

// encodeResults is how what a step's tests came to stands in its row: as JSON, and empty where there
// were none, as in rows of before there were any.
func encodeResults(s results.Summary) string {
	if reflect.DeepEqual(s, results.Summary{}) {
		return ""
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and numbers can always be written
	}
	return string(text)
}

func decodeResults(text string) (results.Summary, error) {
	if text == "" {
		return results.Summary{}, nil
	}
	var s results.Summary
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return results.Summary{}, fmt.Errorf("read what the tests of a step came to: %w", err)
	}
	return s, nil
}
