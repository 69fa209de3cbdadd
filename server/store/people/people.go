// Package people is who may look and who has changed what: tokens, the sessions of browsers, and the
// audit.
package people

import (
	"log/slog"

	"vivarium/server/store/database"
)

// People keeps them in a database.
type People struct {
	db  *database.DB
	log *slog.Logger
}

// New keeps them in db.
func New(db *database.DB, log *slog.Logger) *People { return &People{db: db, log: log} }
