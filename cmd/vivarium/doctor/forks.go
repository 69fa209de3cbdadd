package doctor

import "vivarium/server/forks"

// Forks says what becomes of pull requests of forks. runtime is the sandboxes', and asks says whether
// GitHub can be asked who may approve.
func Forks(c *Checkup, p forks.Policy, runtime string, asks bool) {
	switch {
	case p == forks.None:
		c.Add(Fine, "forks", "pull requests of forks are not built")
	case (p == forks.All || p == forks.Contributors) && runtime == "":
		c.Add(Advice, "forks", "VIVARIUM_FORKS=%s builds strangers' code unseen, beside the machine's own kernel: set "+
			"VIVARIUM_RUNTIME to a runtime such as runsc, or VIVARIUM_FORKS=approve", p)
	case p == forks.All:
		c.Add(Fine, "forks", "every commit of a fork is built")
	case !asks:
		c.Add(Fine, "forks", "a commit of a fork waits for `vivarium builds approve`; with GITHUB_TOKEN a comment "+
			"approves, too")
	default:
		c.Add(Fine, "forks", "a commit of a fork waits for the comment /vivarium run, or `vivarium builds approve`")
	}
}
