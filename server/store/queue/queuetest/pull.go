package queuetest

import (
	"fmt"

	"vivarium/server/store/pulls"
)

// Pull is a delivery that says that #12 has the n-th commit of Push as its head.
func Pull(n int) pulls.Pull {
	p := Push(n)
	return pulls.Pull{
		GUID: fmt.Sprintf("pull-%d", n), BodyHash: fmt.Sprintf("pull-%d", n), Repo: p.Repo, Number: 12, SHA: p.SHA,
		Author: "mona", Title: "Say hello",
	}
}

// Stranger is one of a fork.
func Stranger(n int) pulls.Pull {
	p := Pull(n)
	p.GUID, p.BodyHash, p.Fork, p.Author = fmt.Sprintf("fork-%d", n), fmt.Sprintf("fork-%d", n), true, "stranger"
	return p
}
