package githubtest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"vivarium/server/github/githubtest/events"
)

// Repo is a known repository whose owner changes it.
type Repo struct {
	server *Server
	name   string
}

// Repo gives a known repository by its name.
func (s *Server) Repo(fullName string) Repo { return Repo{s, fullName} }

func (r Repo) change(f func(*repo)) {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	f(r.server.repos[r.name])
}

// SetRef points a branch at a commit.
func (r Repo) SetRef(branch, sha string) {
	r.change(func(known *repo) { known.refs[branch], known.refs["heads/"+branch] = sha, sha })
}

// DeleteBranch removes a branch.
func (r Repo) DeleteBranch(branch string) {
	r.change(func(known *repo) {
		delete(known.refs, branch)
		delete(known.refs, "heads/"+branch)
	})
}

// SetPrivate makes it private, or public.
func (r Repo) SetPrivate(private bool) { r.change(func(known *repo) { known.private = private }) }

// Archive makes it read-only.
func (r Repo) Archive() { r.change(func(known *repo) { known.archived = true }) }

// SetMessage gives its commits this message.
func (r Repo) SetMessage(text string) { r.change(func(known *repo) { known.message = text }) }

// Delete deletes it.
func (r Repo) Delete() { r.change(func(*repo) { delete(r.server.repos, r.name) }) }

// branches lists the branches of a repository, by name.
func (s *Server) branches(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.repos[r.PathValue("owner")+"/"+r.PathValue("name")]
	if known == nil {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	var names []string
	for ref := range known.refs {
		if name, full := strings.CutPrefix(ref, "heads/"); full {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var all []any
	for _, name := range names {
		all = append(all, map[string]any{
			"name": name, "protected": false,
			"commit": map[string]any{"sha": known.refs[name], "url": s.URL() + "/commits/" + known.refs[name]},
		})
	}
	answer(w, http.StatusOK, s.pageOf(w, r, all))
}

// commit tells of one commit.
func (s *Server) commit(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, sha := s.repos[r.PathValue("owner")+"/"+r.PathValue("name")], r.PathValue("rest")
	if known == nil || len(known.commits) > 0 && !known.commits[sha] {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"sha": sha, "author": events.User("mona"), "committer": events.User("mona"), "files": []any{},
		"commit": map[string]any{
			"author":  map[string]any{"name": "Mona Lisa", "email": "mona@example.com", "date": "2026-11-02T09:15:30Z"},
			"message": cmp.Or(known.message, "Add a test\n\nThere was none."),
		},
	})
}

// conditional gives answers a tag, and answers who has the answer already that it still holds.
func conditional(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			next(w, r)
			return
		}
		kept := &kept{ResponseWriter: w, code: http.StatusOK}
		next(kept, r)
		if kept.code == http.StatusOK {
			tag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(kept.body.Bytes()))
			w.Header().Set("ETag", tag)
			if r.Header.Get("If-None-Match") == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		w.WriteHeader(kept.code)
		_, _ = w.Write(kept.body.Bytes()) // it does not matter that a client left
	}
}

// kept is an answer that is not sent yet.
type kept struct {
	http.ResponseWriter
	code int
	body bytes.Buffer
}

func (k *kept) WriteHeader(code int)        { k.code = code }
func (k *kept) Write(p []byte) (int, error) { return k.body.Write(p) }
