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

// Options for Start. They do not change afterwards.
type Options struct {
	Addr    string // to listen on; empty is a free port of 127.0.0.1
	Token   string // the accepted token; empty: any token is accepted, but a request needs one
	Scopes  string // X-OAuth-Scopes; empty: no such header, as for a fine-grained token
	Expires time.Time
	User    string // the one owner of repositories that is a user; all others are organizations
	// Now is the clock of tokens and of limits; nil: time.Now.
	Now func() time.Time
	// Content refuses what is over GitHub's limits on requests that make content; nil: nothing is.
	Content *Content
	// OnStatus is called with every accepted status, in order.
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
	token    string // the accepted token
	repos    map[string]*repo
	moved    map[string]int64 // former names, to ids
	faults   []Fault
	failEach func() Fault
	requests []Request
	statuses []Status
	hooks    []*Hook
	apps     apps
	checks   []*Check
	attempts []*attempt    // to deliver, oldest first
	changed  chan struct{} // closed and replaced when a request or a status comes
}

type repo struct {
	commits map[string]bool   // empty: it holds any commit
	refs    map[string]string // name, such as heads/main or main, to SHA
	id      int64
	people  map[string]person
	pulls   map[int64][2]string // head and state

	private     bool
	message     string // of its commits; empty: the usual one
	archived    bool
	refuseHooks *HookRefusal
}

// Start starts a server.
func Start(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("start GitHub stand-in: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		options: o,
		token:   o.Token,
		ln:      ln,
		ctx:     ctx,
		stop:    stop,
		served:  make(chan struct{}),
		repos:   map[string]*repo{},
		moved:   map[string]int64{},
		changed: make(chan struct{}),
	}
	s.http = &http.Server{Handler: s.handler(), BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() {
		defer close(s.served)
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			panic(fmt.Sprintf("GitHub stand-in: %v", err)) // nobody waits for its error, so it must not go unnoticed
		}
	}()
	return s, nil
}

// URL is the API's address, to be set as GITHUB_API_URL.
func (s *Server) URL() string { return "http://" + s.ln.Addr().String() }

// Close stops the server. It cuts connections that do not end by themselves.
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

// SetToken makes the server accept this token and no other from now on: the former one is answered
// 401.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// AddRepo makes a repository known. Without commits, every well-formed SHA counts as one of its
// commits.
func (s *Server) AddRepo(fullName string, commits ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &repo{
		commits: map[string]bool{}, refs: map[string]string{}, id: int64(1000 + len(s.repos)),
		people: map[string]person{}, pulls: map[int64][2]string{},
	}
	for _, sha := range commits {
		r.commits[sha] = true
	}
	s.repos[fullName] = r
}

// Fail orders faults for the next requests: one each, in this order.
func (s *Server) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// FailEach asks f for the fault of each request that no order of Fail is for; nil: there are none.
func (s *Server) FailEach(f func() Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failEach = f
}

func (s *Server) nextFault() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 && s.failEach != nil {
		return s.failEach()
	}
	if len(s.faults) == 0 {
		return Fault{}
	}
	f := s.faults[0]
	s.faults = s.faults[1:]
	return f
}

// Request is a request that came in, whether refused or not.
type Request struct {
	Time   time.Time
	Method string
	Path   string
	Header http.Header
}

// Status is an accepted commit status.
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

// Requests returns all requests so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Statuses returns all statuses accepted so far, oldest first.
func (s *Server) Statuses() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Status(nil), s.statuses...)
}

// Wait waits until done returns true for the accepted statuses, oldest first. It calls done once at
// the beginning and then after each request.
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

// wake wakes those who wait. s.mu is held.
func (s *Server) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}
