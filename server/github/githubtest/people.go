package githubtest

import (
	"net/http"
	"strconv"

	"vivarium/server/github/githubtest/events"
)

// person is an account, and what it may do in one repository.
type person struct {
	id         int64
	permission string // admin, write, read or none
}

// Allow gives an account a permission: admin, write, read or none.
func (r Repo) Allow(login string, id int64, permission string) {
	r.change(func(known *repo) { known.people[login] = person{id, permission} })
}

// SetPull says what a pull request has as its head, and whether it is open or closed.
func (r Repo) SetPull(number int64, sha, state string) {
	r.change(func(known *repo) { known.pulls[number] = [2]string{sha, state} })
}

func (s *Server) peopleRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /repos/{owner}/{name}/collaborators/{login}/permission", s.permission)
	mux.HandleFunc("GET /repos/{owner}/{name}/pulls/{number}", s.onePull)
}

// https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user
func (s *Server) permission(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	login := r.PathValue("login")
	known := s.repos[r.PathValue("owner")+"/"+r.PathValue("name")]
	if known == nil || known.people[login].id == 0 {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	who := events.User(login)
	who["id"] = known.people[login].id
	answer(w, http.StatusOK, map[string]any{
		"permission": known.people[login].permission, "role_name": known.people[login].permission, "user": who,
	})
}

func (s *Server) onePull(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.repos[r.PathValue("owner")+"/"+r.PathValue("name")]
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil || known == nil || known.pulls[number] == [2]string{} {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"number": number, "state": known.pulls[number][1], "head": map[string]any{"sha": known.pulls[number][0], "repo": nil},
	})
}
