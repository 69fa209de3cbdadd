package githubtest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Rename gives a repository another name. GitHub leads from the old one to it until another
// repository has that.
func (r Repo) Rename(fullName string) {
	r.change(func(known *repo) {
		s := r.server
		delete(s.repos, r.name)
		delete(s.moved, fullName)
		s.repos[fullName], s.moved[r.name] = known, known.id
		for _, h := range s.hooks {
			if h.Repo == r.name {
				h.Repo = fullName
			}
		}
	})
}

// follow lets next answer what is asked of a repository by its present name or its id, and leads
// from a former name to the id.
func (s *Server) follow(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 4)
		s.mu.Lock()
		to, path := s.leads(parts)
		s.mu.Unlock()
		if to == "" {
			r.URL.Path = path
			next(w, r)
			return
		}
		code := http.StatusTemporaryRedirect
		if r.Method == http.MethodGet {
			code = http.StatusMovedPermanently
		}
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		w.Header().Set("Location", s.URL()+to)
		refuse(w, code, "Moved Permanently")
	}
}

// leads gives where a path leads to, or the path as it is to be answered. s.mu is held.
func (s *Server) leads(parts []string) (to, path string) {
	path = "/" + strings.Join(parts, "/")
	if len(parts) >= 3 && parts[0] == "repos" {
		name := parts[1] + "/" + parts[2]
		if id, moved := s.moved[name]; moved && s.repos[name] == nil {
			return strings.Replace(path, "/repos/"+name, fmt.Sprintf("/repositories/%d", id), 1), ""
		}
	}
	if len(parts) >= 3 && parts[0] == "repositories" {
		for name, known := range s.repos {
			if strconv.FormatInt(known.id, 10) == parts[1] {
				return "", strings.Replace(path, "/repositories/"+parts[1], "/repos/"+name, 1)
			}
		}
	}
	return "", path
}
