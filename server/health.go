package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"vivarium/server/api"

	"github.com/danielgtaylor/huma/v2"
)

type healthAnswer struct {
	Body struct {
		Health  string `json:"health" enum:"ok"`
		Message string `json:"message"`
	}
}

// health says that the process answers. ready says whether it can build.
func (s *Server) health(context.Context, *struct{}) (*healthAnswer, error) {
	a := &healthAnswer{}
	a.Body.Health = "ok"
	a.Body.Message = "Vivarium " + s.config.Version + " is running"
	return a, nil
}

// check is one thing that builds need.
type check struct {
	Name    string `json:"name" example:"database" doc:"database, writing (to it), disk, engine, worker or statuses."`
	OK      bool   `json:"ok"`
	Message string `json:"message,omitempty" doc:"What is wrong; in full for local programs while it is not public."`
	Since   *int64 `json:"since,omitempty" doc:"Unix seconds: since when it is wrong, as far as the server knows."`
}

type readyAnswer struct {
	Status int
	Body   struct {
		Ready   bool    `json:"ready"`
		Message string  `json:"message"`
		Checks  []check `json:"checks"`
	}
}

type readyInput struct {
	request *http.Request
}

// Resolve keeps the request, which shows who asks.
func (in *readyInput) Resolve(ctx huma.Context) []error {
	in.request = unwrap(ctx).Request()
	return nil
}

func notReady(op *huma.Operation) { op.Errors = append(op.Errors, http.StatusServiceUnavailable) }

// ready answers 503 while the database or the worker cannot be used. It also reports statuses that
// have not reached the git host, but answers 200: a restart would not help.
func (s *Server) ready(ctx context.Context, in *readyInput) (*readyAnswer, error) {
	a := &readyAnswer{Status: http.StatusOK}
	a.Body.Ready = true
	var missing []string
	for _, c := range s.conditions() {
		t := c.Look(ctx)
		a.Body.Checks = append(a.Body.Checks, s.newCheck(in.request, c.Name, t))
		if t != nil {
			missing = append(missing, c.Name)
		}
	}
	a.Body.Message = "ready"
	if len(missing) > 0 {
		a.Status, a.Body.Ready = http.StatusServiceUnavailable, false
		a.Body.Message = "not ready: " + strings.Join(missing, ", ")
		return a, nil
	}
	a.Body.Checks = append(a.Body.Checks, s.newCheck(in.request, "statuses", troubled(s.undelivered(ctx))))
	return a, nil
}

// conditions are the database's own, and those of the configuration.
func (s *Server) conditions() []Condition {
	all := []Condition{
		Holds("database", func(ctx context.Context) error {
			return s.logged(ctx, "database", s.builds.Database.Health().Ping(ctx))
		}),
		{Name: "writing", Look: s.writing},
		Holds(
			"disk",
			func(ctx context.Context) error { return s.logged(ctx, "disk", s.builds.Database.Health().DiskSpace()) },
		),
		Holds("worker", s.config.Ready),
	}
	return append(all, s.config.Conditions...)
}

// writing reports why the database cannot be written to.
func (s *Server) writing(ctx context.Context) *Trouble {
	t := s.builds.Database.Health().Writing(ctx)
	if t == nil {
		_ = s.logged(ctx, "writing", nil)
		return nil
	}
	return &Trouble{Err: s.logged(ctx, "writing", t.Err), Since: t.Since}
}

// errUndelivered contains nothing that the host said, which may name a private repository.
var errUndelivered = errors.New("a commit status has not reached the git host; `vivarium doctor` and the build's " +
	"page say why")

// newCheck tells everybody that something is wrong. The reason may hold paths, hosts and names,
// which only the operator may see; strangers are told where to look.
func (s *Server) newCheck(r *http.Request, name string, t *Trouble) check {
	c := check{Name: name, OK: t == nil, Since: api.UnixSeconds(s.since.of(name, t, time.Now()))}
	switch {
	case t == nil:
	case errors.Is(t.Err, errUndelivered), s.fromHere(r):
		c.Message = t.Err.Error()
	default:
		c.Message = "the server's log and `vivarium doctor`, on its machine, say what is wrong"
	}
	return c
}

// logged writes to the log why a check fails, once for each reason.
func (s *Server) logged(ctx context.Context, name string, err error) error {
	if ctx.Err() == nil && s.unready.isNew(name, err) {
		s.log.ErrorContext(ctx, "not ready", "check", name, "err", err)
	}
	return err
}

// reasons are why each check failed last, so that repeated requests do not fill the log.
type reasons struct {
	mu   sync.Mutex
	last map[string]string
}

// isNew reports whether a check failed for another reason than last time.
func (t *reasons) isNew(name string, err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		delete(t.last, name)
		return false
	}
	if t.last[name] == err.Error() {
		return false
	}
	if t.last == nil {
		t.last = map[string]string{}
	}
	t.last[name] = err.Error()
	return true
}

func (s *Server) undelivered(ctx context.Context) error {
	st, err := s.builds.Outbox.Undelivered(ctx)
	if err != nil || st == nil {
		return s.logged(ctx, "statuses", err)
	}
	return errUndelivered
}
