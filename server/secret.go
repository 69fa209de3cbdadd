package server

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a credential. It prints as [redacted] with every verb, in logs and in JSON; only
// string(s) gives its value.
type Secret string

const redacted = "[redacted]"

// Format keeps the value out of every verb of package fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue keeps the value out of structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText keeps the value out of JSON and its like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
