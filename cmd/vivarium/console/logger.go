package console

import (
	"io"
	"log/slog"
)

// NewLogger makes a server's logger in a format, text or json. Without one it is text at a terminal,
// else JSON.
func NewLogger(w io.Writer, at Terminal, format string) *slog.Logger {
	if format == "text" || format == "" && at.Interactive {
		return slog.New(slog.NewTextHandler(w, nil))
	}
	return slog.New(slog.NewJSONHandler(w, nil))
}
