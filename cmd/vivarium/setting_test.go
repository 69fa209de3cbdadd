package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestNoSettingsPasswordStandsInAMessage gives every setting an address with a password that it
// must refuse.
func TestNoSettingsPasswordStandsInAMessage(t *testing.T) {
	for _, v := range variables {
		if v.accepts == text.accepts || v.accepts == secretText.accepts || v.accepts == longSecret.accepts ||
			v.accepts == statusContext.accepts {
			continue // it accepts any text
		}
		for _, value := range []string{"https://user:hunter2@host.example.org/simple/", "user:hunter2@host.example.org",
			"https://user:hunter2%zz@host.example.org", "https://hunter2@host.example.org/?x=hunter2"} {
			_, problems := readConfig([]string{v.name + "=" + value}, nil)
			got := fmt.Sprint(errors.Join(problems...))
			if strings.Contains(got, "hunter2") {
				t.Errorf("%s: the message repeats the password: %s", v.name, got)
			}
			if len(problems) != 1 || !strings.Contains(got, v.name) {
				t.Errorf("control: %s=%s is not refused by name: %s", v.name, value, got)
			}
		}
	}
}
