package githubtest

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// GitHub's limits on requests that make content, of one account.
// https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
const (
	contentMinute = 80
	contentHour   = 500
)

// Content counts the requests that make content, and refuses what is over GitHub's limits. The zero
// Content has counted nothing.
type Content struct {
	mu      sync.Mutex
	taken   []time.Time // of the last hour, oldest first
	refused int
}

// Take takes one more request, or says after how long the next may come.
func (c *Content) Take(now time.Time) (wait time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.taken) > 0 && now.Sub(c.taken[0]) >= time.Hour {
		c.taken = c.taken[1:]
	}
	for _, limit := range []struct {
		most int
		per  time.Duration
	}{{contentMinute, time.Minute}, {contentHour, time.Hour}} {
		if len(c.taken) >= limit.most {
			wait = max(wait, limit.per-now.Sub(c.taken[len(c.taken)-limit.most]))
		}
	}
	if wait > 0 {
		c.refused++
		return wait, false
	}
	c.taken = append(c.taken, now)
	return 0, true
}

// Refused is how many requests were over the limits.
func (c *Content) Refused() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}

// limitContent lets next answer what is within the limits on content. A token of an App is none.
func (s *Server) limitContent(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	c := s.options.Content
	if c == nil || r.Method == http.MethodGet || strings.HasPrefix(r.URL.Path, "/app/") {
		next(w, r)
		return
	}
	wait, ok := c.Take(s.options.Now())
	if !ok {
		seconds := int((wait + time.Second - 1) / time.Second)
		SecondaryLimit(http.StatusForbidden, strconv.Itoa(seconds)).answer(w)
		return
	}
	next(w, r)
}
