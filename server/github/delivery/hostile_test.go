package delivery_test

import (
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vivarium/server/github/githubtest/events"
)

// hostile are unsigned payloads of nearly the largest size, each of a kind that kept a reader busy.
func hostile(size int) map[string]string {
	fill := func(head, piece, tail string) string {
		return head + strings.Repeat(piece, (size-len(head)-len(tail))/len(piece)) + tail
	}
	const repository = `"repository":{"full_name":"octo/hello","id":7}}`
	return map[string]string{
		"empty objects": fill(`{"a":[`, `{},`, `{}],`+repository),
		"deep and back": fill(`{"a":[`, strings.Repeat("[", 60)+strings.Repeat("]", 60)+",",
			`1],`+repository),
		"numbers":                  fill(`{"a":[`, `1,`, `1],`+repository),
		"short texts":              fill(`{"a":[`, `"",`, `""],`+repository),
		"one long text":            fill(`{"a":"`, `x`, `",`+repository),
		"escapes":                  fill(`{"a":"`, `\u0041`, `",`+repository),
		"quotation marks":          fill(`{"a":"`, `\"`, `",`+repository),
		"one name many times":      fill(`{`, `"a":1,`, repository),
		"one name again and again": fill(`{"repository":{`, `"a":1,`, `"id":7,"full_name":"octo/hello"}}`),
		"a long name":              fill(`{"`, `\u0041`, `":1,`+repository),
		"a long full name":         fill(`{"repository":{"full_name":"`, `\u0041`, `"}}`),
		"a long id":                fill(`{"repository":{"id":`, `1`, `}}`),
		"spaces":                   fill(`{`, ` `, repository),
		"beyond ASCII":             fill(`{"a":"`, `é`, `",`+repository),
	}
}

// unsignedTime is how much processor time an unsigned delivery of 24 MiB may take. 24 MiB of `{},`
// took 3.5 s. One HMAC over it, which every check of a signature needs, takes some 20 to 100 ms.
const unsignedTime = time.Second

// TestAnUnsignedDeliveryCostsLittle: a delivery names whose it is, so some of it is read before its
// signature is checked.
func TestAnUnsignedDeliveryCostsLittle(t *testing.T) {
	const size = 24 << 20
	for name, payload := range hostile(size) {
		t.Run(name, func(t *testing.T) {
			checkCost(t, "application/json", []byte(payload))
		})
	}
	for name, body := range map[string]string{
		"many fields":  strings.Repeat("a&", size/2),
		"many escapes": "payload=" + strings.Repeat("%7B", size/3),
		"a payload":    "payload=" + url.QueryEscape(hostile(size / 3)["empty objects"]),
	} {
		t.Run("form of "+name, func(t *testing.T) {
			checkCost(t, "application/x-www-form-urlencoded", []byte(body))
		})
	}
}

// checkCost takes the fastest of three runs, measured by this thread's time alone, since other
// tests run at the same time.
func checkCost(t *testing.T, contentType string, body []byte) {
	t.Helper()
	h := events.Header("not the secret", "push", body)
	h.Set("Content-Type", contentType)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	best := time.Hour
	for range 3 {
		begin := threadTime(t)
		if _, err := read(h, body, secret); err == nil {
			t.Fatal("it was read")
		}
		best = min(best, threadTime(t)-begin)
	}
	t.Logf("%d MiB in %s", len(body)>>20, best.Round(time.Millisecond))
	if best > unsignedTime {
		t.Errorf("%d MiB that nobody signed took %s", len(body)>>20, best)
	}
}

// threadTime is how much processor time this thread has used.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
