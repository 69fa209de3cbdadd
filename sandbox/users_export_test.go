package sandbox

// LookForUsersInOrder makes starts meet, which chance keeps apart.
func (e *Engine) LookForUsersInOrder() { e.order = inOrder }

func inOrder(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}
