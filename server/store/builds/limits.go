package builds

import (
	"encoding/json"
	"fmt"
	"time"

	"vivarium/pipeline/limits"
)

// storedLimits is how a step's limits stand in its row, as JSON. A field that is added
// later is zero in older rows, and in those from before there were any the text is empty.
type storedLimits struct {
	Memory    int64         `json:"memory"`
	Disk      int64         `json:"disk"`
	CPUs      float64       `json:"cpus"`
	Pids      int64         `json:"pids"`
	FileSize  int64         `json:"file_size"`
	OpenFiles int64         `json:"open_files"`
	Inodes    int64         `json:"inodes"`
	Timeout   time.Duration `json:"timeout"` // nanoseconds
	LogLimit  int64         `json:"log_limit"`
	LogRate   int64         `json:"log_rate"`
}

func encodeLimits(l limits.Limits) string {
	if l == (limits.Limits{}) {
		return ""
	}
	text, err := json.Marshal(storedLimits{
		Memory: l.Memory, Disk: l.Disk, CPUs: l.CPUs, Pids: l.Pids, FileSize: l.FileSize,
		OpenFiles: l.OpenFiles, Inodes: l.Inodes,
		Timeout: l.Timeout, LogLimit: l.LogLimit, LogRate: l.LogRate,
	})
	if err != nil {
		return "" // CPUs that are no number, which no setting gives
	}
	return string(text)
}

func decodeLimits(text string) (limits.Limits, error) {
	if text == "" {
		return limits.Limits{}, nil
	}
	var s storedLimits
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return limits.Limits{}, fmt.Errorf("read the limits of a step: %w", err)
	}
	l := limits.Limits{Timeout: s.Timeout, LogLimit: s.LogLimit, LogRate: s.LogRate}
	l.Memory, l.Disk, l.CPUs, l.Pids = s.Memory, s.Disk, s.CPUs, s.Pids
	l.FileSize, l.OpenFiles, l.Inodes = s.FileSize, s.OpenFiles, s.Inodes
	return l, nil
}
