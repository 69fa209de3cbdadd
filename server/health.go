package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

type healthAnswer struct {
	Body struct {
		Health  string `json:"health" enum:"ok"`
		Message string `json:"message"`
	}
}

// health says that the process answers. Whether it can build is ready's to say.
func (s *Server) health(context.Context, *struct{}) (*healthAnswer, error) {
	a := &healthAnswer{}
	a.Body.Health = "ok"
	a.Body.Message = "Vivarium " + s.config.Version + " is running"
	return a, nil
}

// check is one thing that must hold for builds to be worked on.
type check struct {
	Name    string `json:"name" enum:"database,worker,statuses"`
	OK      bool   `json:"ok"`
	Message string `json:"message,omitempty" doc:"What is wrong."`
}

type readyAnswer struct {
	Status int
	Body   struct {
		Ready   bool    `json:"ready"`
		Message string  `json:"message"`
		Checks  []check `json:"checks"`
	}
}

func notReady(op *huma.Operation) { op.Errors = append(op.Errors, http.StatusServiceUnavailable) }

// ready answers 503 while the database or the worker is not usable. Statuses that
// the git host refuses are told, but a restart would not mend them.
func (s *Server) ready(ctx context.Context, _ *struct{}) (*readyAnswer, error) {
	a := &readyAnswer{Status: http.StatusOK}
	a.Body.Ready = true
	a.Body.Message = "ready"
	for _, c := range []struct {
		name string
		err  error
	}{
		{"database", s.builds.Ping(ctx)},
		{"worker", s.config.Ready(ctx)},
	} {
		a.Body.Checks = append(a.Body.Checks, newCheck(c.name, c.err))
		if c.err != nil {
			a.Status, a.Body.Ready = http.StatusServiceUnavailable, false
			a.Body.Message = "not ready: " + c.name
		}
	}
	if a.Body.Ready {
		a.Body.Checks = append(a.Body.Checks, newCheck("statuses", s.undeliverable(ctx)))
	}
	return a, nil
}

func newCheck(name string, err error) check {
	if err != nil {
		return check{Name: name, Message: err.Error()}
	}
	return check{Name: name, OK: true}
}

func (s *Server) undeliverable(ctx context.Context) error {
	st, err := s.builds.Undeliverable(ctx)
	if err != nil || st == nil {
		return err
	}
	// Anybody reads this: what the host said may name a private repository.
	return errors.New("the git host refused a commit status; `vivarium doctor` and the build's page say why")
}
