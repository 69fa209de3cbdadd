package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestHideCredentialsLeavesTheHost(t *testing.T) {
	for value, want := range map[string]string{
		"https://index.example.org/simple/": "https://index.example.org/simple/",
		"lots":                              "lots",
		"https://user:pw@index.example.org/simple/":     "https://[redacted]@index.example.org/simple/",
		"https://token@index.example.org/simple/":       "https://[redacted]@index.example.org/simple/",
		"user:pw@index.example.org/simple/":             "[redacted]@index.example.org/simple/",
		"https://user:p@w/x@index.example.org/":         "https://[redacted]@index.example.org/",
		"https://user:p?w#x@index.example.org/":         "https://[redacted]",
		"https://index.example.org/?token=pw":           "https://index.example.org/?[redacted]",
		"https://user:pw@index.example.org/?token=pw":   "https://[redacted]@index.example.org/?[redacted]",
		"https://index.example.org/?token=p@w":          "https://[redacted]",
		"https://user:p://w@index.example.org/":         "https://[redacted]@index.example.org/",
		"https://user:%zz-pw@index.example.org/simple/": "https://[redacted]@index.example.org/simple/",
	} {
		if got := hideCredentials(value); got != want {
			t.Errorf("%s is shown as %s, want %s", value, got, want)
		}
	}
}

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

func TestNoRepositorysPasswordStandsInAMessage(t *testing.T) {
	for _, address := range []string{"https://user:hunter2@host.example.org/o/n",
		"ftp://user:hunter2@host.example.org/o/n", "https://user:hunter2%zz@host.example.org/o/n",
		"https://host.example.org/o/n?token=hunter2"} {
		if _, err := parseRepoURL(address); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", address, err)
		}
	}
}
