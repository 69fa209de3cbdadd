package simpleindex

import (
	"bytes"
	"encoding/json"
)

// jsonYanked is false, or true, or the reason.
type jsonYanked struct {
	yanked bool
	reason string
}

// UnmarshalJSON reads any value that is neither a bool nor a text as false.
func (y *jsonYanked) UnmarshalJSON(text []byte) error {
	if text[0] == '"' {
		y.yanked = true
		return json.Unmarshal(text, &y.reason)
	}
	y.yanked = string(text) == "true"
	return nil
}

// MarshalJSON is the reverse of UnmarshalJSON.
func (y jsonYanked) MarshalJSON() ([]byte, error) {
	if y.reason != "" {
		return json.Marshal(y.reason)
	}
	return json.Marshal(y.yanked)
}

// jsonMetadata is the SHA-256 of a file's metadata; empty when there is no metadata, or no digest
// of it.
type jsonMetadata string

// UnmarshalJSON reads any value without a SHA-256 as empty.
func (m *jsonMetadata) UnmarshalJSON(text []byte) error {
	var hashes jsonHashes
	if text[0] != '{' || hashes.UnmarshalJSON(text) != nil {
		return nil
	}
	for _, h := range hashes {
		if h.algorithm == "sha256" {
			*m = jsonMetadata(h.digest)
		}
	}
	return nil
}

// MarshalJSON is the reverse of UnmarshalJSON.
func (m jsonMetadata) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"sha256": string(m)})
}

// jsonHashes are digests by their algorithm's name.
type jsonHashes []hash

// UnmarshalJSON keeps as many digests as a file may have, and the last sha256 in any case. It keeps
// only texts.
func (h *jsonHashes) UnmarshalJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if string(text) == "null" {
		return nil
	}
	if err := expect(dec, '{'); err != nil {
		return err
	}
	var kept jsonHashes
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage // a slice of text
		if err := dec.Decode(&value); err != nil {
			return err
		}
		var one hash
		one.algorithm, _ = name.(string)
		if value[0] != '"' || len(kept) >= maxHashes && one.algorithm != "sha256" {
			continue
		}
		if err := json.Unmarshal(value, &one.digest); err != nil {
			return err
		}
		kept = append(kept, one)
	}
	*h = kept
	return nil
}

// MarshalJSON writes an object, an empty one where there are no digests.
func (h jsonHashes) MarshalJSON() ([]byte, error) {
	m := make(map[string]string, len(h))
	for _, one := range h {
		m[one.algorithm] = one.digest
	}
	return json.Marshal(m)
}
