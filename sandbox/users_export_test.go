package sandbox

// LookForUsersInOrder makes starts try the same users, which random order avoids.
func (e *Engine) LookForUsersInOrder() { e.order = inOrder }

func inOrder(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}
