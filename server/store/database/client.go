package database

import (
	"context"
	"log/slog"
)

// Client is the part of river.Client that does not depend on the driver.
type Client interface {
	Start(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
	Stopped() <-chan struct{}
}

// translatingClient is a Client whose start words trouble of the database as all else does.
type translatingClient struct {
	Client
	translate func(error) error
}

func (c translatingClient) Start(ctx context.Context) error { return c.translate(c.Client.Start(ctx)) }

// warnings are what River's log is good for here: its own starts and stops are no change of state of a build.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }

func riverLog(log *slog.Logger) *slog.Logger { return slog.New(warnings{log.Handler()}) }
