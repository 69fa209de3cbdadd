package sandbox

// LookForUsersInOrder makes starts meet, which chance keeps apart.
func (e *Engine) LookForUsersInOrder() {
	e.order = func(n int) []int {
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		return order
	}
}
