package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox"
	"vivarium/sandbox/engineproxy"
)

func TestOnlyTheSoftSideLosesItsHardening(t *testing.T) {
	info := sandbox.Info{CPUs: 2, Memory: 16 << 30}
	config, host := sandbox.Settings(sandbox.Spec{
		Image:    "i",
		Deadline: time.Now(),
		Limits:   sandbox.DefaultLimits(info),
	}, info)
	body, err := json.Marshal(struct {
		Hostname   string
		HostConfig any
	}{config.Hostname, host})
	if err != nil {
		t.Fatal(err)
	}
	for _, soft := range []bool{false, true} {
		made, err := engineproxy.Recreate(body, changeFor(soft))
		if err != nil {
			t.Fatal(err)
		}
		text := string(made)
		hard := []string{"no-new-privileges", "SCMP_ACT_ERRNO", ":4294967296"}
		for _, name := range hardening {
			hard = append(hard, `"`+name+`":`)
		}
		for _, setting := range hard {
			if strings.Contains(text, setting) == soft {
				t.Errorf("soft %v: it has %s: %v", soft, setting, soft)
			}
		}
		for _, setting := range []string{`"NetworkMode":"none"`, `"/tmp":"rw,`, `"Hostname":"vivarium"`} {
			if !strings.Contains(text, setting) {
				t.Errorf("soft %v: %s is gone", soft, setting)
			}
		}
	}
	if _, err := engineproxy.Recreate([]byte(`{"HostConfig":{}}`), changeFor(true)); err == nil {
		t.Error("a call without the settings to take out was taken")
	}
}
