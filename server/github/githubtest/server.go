package githubtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options for Start. Fixed after it.
type Options struct {
	Addr    string // to listen on; empty is a free port of 127.0.0.1
	Token   string // the one that is accepted; empty accepts every token, but not none
	Scopes  string // X-OAuth-Scopes; empty sends no such header, as for a fine-grained token
	Expires time.Time
	User    string // an owner of repositories that is a user; all others are organizations
	// OnStatus is told of every status that was accepted, in their order.
	OnStatus func(Status)
}

// Server is a stand-in for GitHub's API.
type Server struct {
	options Options
	ln      net.Listener
	http    *http.Server
	ctx     context.Context
	stop    context.CancelFunc // ends the requests that hang on purpose
	served  chan struct{}
	pings   sync.WaitGroup

	mu       sync.Mutex
	token    string // that is accepted
	repos    map[string]*repo
	faults   []Fault
	requests []Request
	statuses []Status
	hooks    []*Hook
	changed  chan struct{} // closed and replaced when a request or a status came
}

type repo struct {
	commits map[string]bool   // empty: any commit is there
	refs    map[string]string // name, such as heads/main or main, to SHA
	id      int64

	archived    bool
	refuseHooks *HookRefusal
}

// Start starts a server.
func Start(o Options) (*Server, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("start GitHub stand-in: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{options: o, token: o.Token, ln: ln, ctx: ctx, stop: stop, served: make(chan struct{}), repos: map[string]*repo{}, changed: make(chan struct{})}
	s.http = &http.Server{Handler: s.handler(), BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() {
		defer close(s.served)
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			panic(fmt.Sprintf("GitHub stand-in: %v", err)) // nothing waits for it: be loud
		}
	}()
	return s, nil
}

// URL is the API's, to be set as GITHUB_API_URL.
func (s *Server) URL() string { return "http://" + s.ln.Addr().String() }

// Close stops the server. Connections that do not end by themselves are cut.
func (s *Server) Close() error {
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	<-s.served
	s.pings.Wait()
	return err
}

// SetToken has another token be accepted from now on, and no other: the former one is answered 401.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// AddRepo makes a repository known. Without commits every well-formed SHA is in it.
func (s *Server) AddRepo(fullName string, commits ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &repo{commits: map[string]bool{}, refs: map[string]string{}, id: int64(1000 + len(s.repos))}
	for _, sha := range commits {
		r.commits[sha] = true
	}
	s.repos[fullName] = r
}

// SetRef points a branch of a known repository at a commit.
func (s *Server) SetRef(fullName, branch, sha string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repos[fullName].refs[branch] = sha
	s.repos[fullName].refs["heads/"+branch] = sha
}

// Fail orders faults for the next requests, one each, first come first served.
func (s *Server) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

func (s *Server) nextFault() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return Fault{}
	}
	f := s.faults[0]
	s.faults = s.faults[1:]
	return f
}

// Request is a request that came in, refused or not.
type Request struct {
	Time   time.Time
	Method string
	Path   string
	Header http.Header
}

// Status is a commit status that was accepted.
type Status struct {
	Time        time.Time
	ID          int64
	Repo        string // OWNER/NAME
	SHA         string
	State       string
	Context     string
	Description string
	TargetURL   string
}

// Requests gives every request so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Statuses gives every status accepted so far, oldest first.
func (s *Server) Statuses() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Status(nil), s.statuses...)
}

// Wait waits until the accepted statuses, oldest first, fulfil done. done is called
// once at the beginning and then after each request.
func (s *Server) Wait(ctx context.Context, done func([]Status) bool) error {
	for {
		s.mu.Lock()
		statuses, changed := append([]Status(nil), s.statuses...), s.changed
		s.mu.Unlock()
		if done(statuses) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for commit statuses, %d came: %w", len(statuses), context.Cause(ctx))
		}
	}
}

// WaitFinal waits for the first status of a commit that is not pending.
func (s *Server) WaitFinal(ctx context.Context, sha string) (Status, error) {
	var final Status
	err := s.Wait(ctx, func(statuses []Status) bool {
		for _, st := range statuses {
			if st.SHA == sha && st.State != "pending" {
				final = st
				return true
			}
		}
		return false
	})
	return final, err
}

// wake tells those who wait. s.mu is held.
func (s *Server) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}
