package trouble

import (
	"math"
	"syscall"
)

// Space is how many bytes this process may still write below a folder.
func Space(dir string) int64 {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return math.MaxInt64
	}
	return int64(st.Bavail) * st.Bsize
}
