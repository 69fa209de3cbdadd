package checkout

import "fmt"

// Mistake is a mistake in a repository that leaves nothing sensible to do. It ends the build with
// the cause plan.
type Mistake struct {
	File    string
	Line    int // 0 when not known
	Problem string
	Advice  string // what to do about it
}

func (m *Mistake) Error() string {
	where := m.File
	if m.Line > 0 {
		where = fmt.Sprintf("%s, line %d", m.File, m.Line)
	}
	return fmt.Sprintf("%s: %s; %s", where, m.Problem, m.Advice)
}
