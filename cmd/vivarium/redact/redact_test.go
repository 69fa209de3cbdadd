package redact

import "testing"

func TestCredentialsAreHiddenAndTheHostIsLeft(t *testing.T) {
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
		if got := Credentials(value); got != want {
			t.Errorf("%s is shown as %s, want %s", value, got, want)
		}
	}
}
