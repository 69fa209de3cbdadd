package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestNgrokReadsTheSettingsAsTheServerDoes(t *testing.T) {
	script, err := os.ReadFile("ngrok")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ env, want string }{
		{"NGROK_DOMAIN=ci.ngrok.app\n", "http --domain=ci.ngrok.app 8001"},
		{"NGROK_DOMAIN=\"ci.ngrok.app\"\nVIVARIUM_ADDR='127.0.0.1:9001'\n", "http --domain=ci.ngrok.app 9001"},
		{
			"export NGROK_DOMAIN=https://ci.ngrok.app/  # ours\nVIVARIUM_ADDR=:1\nVIVARIUM_ADDR=:9002\n",
			"http --domain=ci.ngrok.app 9002",
		},
	} {
		dir := t.TempDir()
		files(t, dir, map[string]string{
			"scripts/ngrok": string(script), ".env": tt.env, "bin/ngrok": "#!/bin/sh\necho \"$@\"",
		})
		cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "scripts/ngrok"))
		cmd.Env = []string{"PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH")}
		out, err := cmd.CombinedOutput()
		want := "Webhook URL to paste: https://ci.ngrok.app/webhook\n" + tt.want + "\n"
		if err != nil || string(out) != want {
			t.Errorf("with\n%s\nit says %q, %v, want %q", tt.env, out, err, want)
		}
	}
}
