package sandbox

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestSettingsAreAsReviewed(t *testing.T) {
	info := Info{CPUs: 2, Memory: 16 << 30}
	limits := DefaultLimits(info)
	limits.CPUs = 8 // more than the engine has
	config, host := Settings(Spec{
		Image:    "sha256:1234",
		Instance: "an-instance",
		Deadline: time.Date(2026, 11, 24, 12, 0, 0, 0, time.FixedZone("", 3600)),
		Runtime:  "runsc",
		Limits:   limits,

		userIndex: 41,
	}, info)
	if host.SecurityOpt[1] != "seccomp="+seccompProfile {
		t.Error("the second security option is not the seccomp profile")
	}
	host.SecurityOpt[1] = "seccomp=(seccomp.json)"
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetIndent("", "\t")
	if err := enc.Encode(struct {
		Config     container.Config
		HostConfig container.HostConfig
	}{config, host}); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/settings.json"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the settings have changed; review them and run: go test ./sandbox -run Settings -update\ngot:\n%s",
			got.Bytes())
	}
}

func TestTmpfsOfASmallSandboxFits(t *testing.T) {
	for path, options := range tmpfs(Limits{Disk: 16 << 20, Inodes: 5000}, FirstUser) {
		if path != Names && !strings.Contains(options, "size=16777216,nr_inodes=5000,") {
			t.Errorf("%s: %s", path, options)
		}
	}
}
