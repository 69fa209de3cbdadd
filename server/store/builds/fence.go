package builds

import (
	"errors"

	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/store/database"
)

// ErrLost says that an attempt is no longer the build's: another one has replaced it, or the build has ended.
// Whoever gets it stops, and writes nothing more.
var ErrLost = errors.New("the attempt was replaced")

// ErrEnded says that a build cannot be canceled because it has ended.
var ErrEnded = errors.New("the build has ended")

// Fenced is the build's row on the condition that the attempt is still the one that runs.
func Fenced(tx *database.Tx, build int64, attempt int) *gorm.DB {
	return tx.Model(&Row{}).Where("id = ? AND attempt = ? AND state = ?", build, attempt, pipeline.Running)
}
