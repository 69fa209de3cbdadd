// Package bell tells River on SQLite about jobs that this process has committed.
package bell

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// insertTopic is where River listens for new jobs. Its name and the form of its messages are
// River's own (v0.51.1, internal/notifier and producer.go). TestPushIsPickedUpAtOnce notices when
// they change.
const insertTopic = "river_insert"

// Bell is rung by a commit. SQLite tells nobody of a commit, and River's own listener there polls
// every 50 ms, which together with the fetches took 5 % of a core while nothing happened.
type Bell struct {
	rung chan struct{} // holds a token while queues is not empty

	mu     sync.Mutex
	queues map[string]bool
}

// New makes a bell that has not been rung.
func New() *Bell {
	return &Bell{rung: make(chan struct{}, 1), queues: map[string]bool{}}
}

// Ring is called after a commit that put jobs into these queues.
func (b *Bell) Ring(queues ...string) {
	if len(queues) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, q := range queues {
		b.queues[q] = true
	}
	b.signal()
}

func (b *Bell) signal() {
	select {
	case b.rung <- struct{}{}:
	default: // a token is there already
	}
}

// take removes one of the queues that were rung for.
func (b *Bell) take() (queue string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for queue = range b.queues {
		delete(b.queues, queue)
		if len(b.queues) > 0 {
			b.signal()
		}
		return queue, true
	}
	return "", false
}

// WaitForNotification waits for the next queue with new jobs.
func (b *Bell) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-b.rung:
		}
		if queue, ok := b.take(); ok {
			return &riverdriver.Notification{Topic: insertTopic, Payload: fmt.Sprintf(`{"queue": %q}`, queue)}, nil
		}
	}
}

// There is nothing to connect to.
func (b *Bell) Connect(context.Context) error          { return nil }
func (b *Bell) Close(context.Context) error            { return nil }
func (b *Bell) Listen(context.Context, string) error   { return nil }
func (b *Bell) Unlisten(context.Context, string) error { return nil }
func (b *Bell) Ping(context.Context) error             { return nil }
func (b *Bell) Schema() string                         { return "" }
func (b *Bell) SetAfterConnectExec(string)             {}

// Driver is River's, with the bell in place of its listener.
type Driver struct {
	*riversqlite.Driver
	bell *Bell
}

// NewDriver makes the driver of a client that works on a pool.
func NewDriver(pool *sql.DB, b *Bell) Driver {
	return Driver{Driver: riversqlite.New(pool), bell: b}
}

func (d Driver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return d.bell
}

// SupportsListenNotify keeps River from writing a row for its own listener with each job: nobody
// would read it.
func (Driver) SupportsListenNotify() bool { return false }
