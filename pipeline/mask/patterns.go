package mask

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// patterns are all forms in which the secrets are looked for, sorted, without duplicates.
func patterns(secrets []string) []string {
	var all []string
	for _, s := range secrets {
		if len(s) < MinLength {
			continue
		}
		h := hex.EncodeToString([]byte(s))
		all = append(all, s, h, strings.ToUpper(h))
		all = append(all, percentForms(s)...)
	}
	all = append(all, base64Patterns(secrets)...)
	slices.Sort(all)
	return slices.Compact(all)
}

// base64Patterns are those patterns that may be broken into lines.
func base64Patterns(secrets []string) []string {
	var all []string
	for _, s := range secrets {
		if len(s) < MinLength {
			continue
		}
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			for offset := range 3 {
				all = append(all, base64Forms(enc, s, offset)...)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// percentForms are s percent-encoded for a query and for a path, with digits of either case.
func percentForms(s string) []string {
	var forms []string
	for _, f := range []string{url.QueryEscape(s), url.PathEscape(s)} {
		forms = append(forms, f, lowerEscapes(f))
	}
	return forms
}

// lowerEscapes writes the digits of each %XX in lower case.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(s[i+1:i+3]))
		}
	}
	return string(b)
}

// base64Forms are what can be seen of s in the base64 of a longer text, where s stands at a place
// that is offset modulo 3: first the characters that s alone decides, then the longer forms for a
// text that ends with s, without and with padding.
func base64Forms(enc *base64.Encoding, s string, offset int) []string {
	padded := enc.EncodeToString(append(make([]byte, offset), s...))
	// A character holds 6 bits. Those that hold any bit of what comes before s are left out.
	first := (8*offset + 5) / 6
	whole := 8 * (offset + len(s)) / 6
	return []string{padded[first:whole], strings.TrimRight(padded, "=")[first:], padded[first:]}
}
