package checkout

import "path"

// Environments lists the folders that hold a pyvenv.cfg, which every virtual environment has at its
// top (PEP 405).
func (t *Tree) Environments() []string {
	var dirs []string
	for _, p := range t.Paths {
		if path.Base(p) == "pyvenv.cfg" && path.Dir(p) != "." {
			dirs = append(dirs, path.Dir(p))
		}
	}
	return dirs
}
