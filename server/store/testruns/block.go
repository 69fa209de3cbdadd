package testruns

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"vivarium/pipeline/results"
	"vivarium/server/store/packed"
)

// blockRow is a block of results as GORM sees it. Before compression it is a line of JSON for each.
// Between their numbers are those of results that are rows.
type blockRow struct {
	BuildID  int64 `gorm:"primaryKey;autoIncrement:false"`
	Attempt  int   `gorm:"primaryKey;autoIncrement:false"`
	FirstSeq int64 `gorm:"primaryKey;autoIncrement:false"`
	LastSeq  int64
	Data     []byte
}

func (blockRow) TableName() string { return "test_blocks" }

// entry is a result in a block, without what is long. Names are short since there are many.
type entry struct {
	Seq     int64           `json:"n"`
	ID      string          `json:"i"`
	Sub     string          `json:"s,omitempty"`
	Outcome results.Outcome `json:"o"`
	Took    int64           `json:"t,omitempty"` // microseconds
	Reason  string          `json:"r,omitempty"`
	Path    string          `json:"p,omitempty"`
	Line    int             `json:"l,omitempty"`
	LogLine int64           `json:"a,omitempty"`
}

func newEntry(seq int64, t results.Test) entry {
	return entry{
		Seq: seq, ID: t.ID, Sub: t.Sub, Outcome: t.Outcome, Took: t.Duration.Microseconds(), Reason: t.Reason,
		Path: t.Path, Line: t.Line, LogLine: t.At,
	}
}

func (e entry) result() Result {
	return Result{e.Seq, results.Test{
		ID: e.ID, Sub: e.Sub, Outcome: e.Outcome, Duration: time.Duration(e.Took) * time.Microsecond,
		Reason: e.Reason, Path: e.Path, Line: e.Line, At: e.LogLine,
	}}
}

// size is about how many bytes the entry takes before compression.
func (e entry) size() int { return 60 + len(e.ID) + len(e.Sub) + len(e.Reason) + len(e.Path) }

func pack(entries []entry) ([]byte, error) {
	var raw bytes.Buffer
	lines := json.NewEncoder(&raw)
	for _, e := range entries {
		if err := lines.Encode(e); err != nil {
			return nil, fmt.Errorf("write a result: %w", err)
		}
	}
	return packed.Pack(raw.Bytes())
}

func unpack(block []byte) ([]entry, error) {
	raw, err := packed.Unpack(block)
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	var list []entry
	for lines := json.NewDecoder(bytes.NewReader(raw)); ; {
		var e entry
		err := lines.Decode(&e)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read results: %w", err)
		}
		list = append(list, e)
	}
}
