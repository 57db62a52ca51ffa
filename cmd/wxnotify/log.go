package main

import (
	"log/slog"
	"os"

	"github.com/mattn/go-isatty"
)

// newLogger writes text for people at a terminal and JSON for machines, to
// standard error.
func newLogger(level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if isatty.IsTerminal(os.Stderr.Fd()) {
		return slog.New(slog.NewTextHandler(os.Stderr, o))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, o))
}
