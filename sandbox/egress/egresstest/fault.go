package egresstest

import (
	"net/http"
)

// Fault wraps a server's handler so that something goes wrong. SetFault(nil) ends it.
type Fault func(next http.Handler) http.Handler

// Drop closes the connection without an answer.
func Drop(http.Handler) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	})
}

// Stall takes the request and sends no answer for as long as the client waits.
func Stall(http.Handler) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	})
}

// Status answers every request with this status code.
func Status(code int) Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, http.StatusText(code), code)
		})
	}
}

// RedirectTo sends every request to base, followed by the request's own path and query.
func RedirectTo(base string) Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", base+r.URL.RequestURI())
			w.WriteHeader(http.StatusFound)
		})
	}
}

// Endless answers 200 with this content type and never stops sending, until the client leaves.
func Endless(contentType string) Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			block := make([]byte, 64<<10)
			for r.Context().Err() == nil {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		})
	}
}

// Truncate promises a megabyte, sends a few bytes and cuts the connection.
func Truncate(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1048576")
		_, _ = w.Write([]byte("a beginning"))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
}
