// Package notes gathers lines for a build's log from whoever sees something worth telling.
package notes

import (
	"fmt"
	"sync"

	"vivarium/pipeline/termtext"
)

// Notes are lines for the log that come from any goroutine. Only few of them matter, but a hostile
// client can cause many, so their number is bounded.
type Notes struct {
	mu    sync.Mutex
	lines []string
	total int
}

const most = 200

// Add keeps a line, as text of one line.
func (n *Notes) Add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.total++
	switch {
	case n.total < most:
		n.lines = append(n.lines, termtext.Line(line))
	case n.total == most:
		n.lines = append(n.lines, fmt.Sprintf("further remarks are left out, after %d", most))
	}
}

// Drain gives the lines that came since the last call.
func (n *Notes) Drain() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	lines := n.lines
	n.lines = nil
	return lines
}
