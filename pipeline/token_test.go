package pipeline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"vivarium/pipeline"
)

func TestFixedTokenIsShownNowhere(t *testing.T) {
	const canary = "ghp_canary"
	git := pipeline.Git{Tokens: pipeline.FixedToken(canary)}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("as text", "git", git, "tokens", git.Tokens)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("as JSON", "git", git, "tokens", git.Tokens)
	asJSON, err := json.Marshal(git)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{
		fmt.Sprint(git), fmt.Sprintf("%+v", git), fmt.Sprintf("%#v", git), fmt.Sprintf("%s %x", git.Tokens, git.Tokens),
		string(asJSON), log.String(),
	} {
		if strings.Contains(shown, canary) || !strings.Contains(shown, "[redacted]") {
			t.Errorf("shown as %s", shown)
		}
	}
	if token, err := git.Token(t.Context()); token != canary || err != nil {
		t.Errorf("control: got %q, %v", token, err)
	}
}
