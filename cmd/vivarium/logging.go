package main

import (
	"log/slog"

	"vivarium/cmd/vivarium/console"
)

// newLogger makes the server's logger: text at a terminal, else JSON, unless VIVARIUM_LOG_FORMAT
// says which.
func (a *app) newLogger(c config) *slog.Logger {
	format := c.logFormat
	if format == "" {
		format = "json"
		if console.TerminalOf(a.stderr, a.environ).Interactive {
			format = "text"
		}
	}
	if format == "text" {
		return slog.New(slog.NewTextHandler(a.stderr, nil))
	}
	return slog.New(slog.NewJSONHandler(a.stderr, nil))
}
