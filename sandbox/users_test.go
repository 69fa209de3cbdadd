package sandbox_test

import (
	"context"
	"strings"
	"testing"

	"vivarium/images/imagestest"
	"vivarium/sandbox"
)

// whoami is what programs ask for the user's name and home: by id, by name, and by HOME.
const whoami = `
import getpass, grp, os, pathlib, pwd
me = pwd.getpwuid(os.getuid())
assert pwd.getpwnam("vivarium") == me, (pwd.getpwnam("vivarium"), me)
assert [p.pw_uid for p in pwd.getpwall() if p.pw_name == "vivarium"] == [os.getuid()]
assert os.path.expanduser("~vivarium") == str(pathlib.Path.home()) == me.pw_dir
assert os.access(me.pw_dir, os.W_OK) and os.stat(me.pw_dir).st_uid == os.getuid()
assert os.environ["USER"] == os.environ["LOGNAME"] == me.pw_name
assert pwd.getpwnam("root").pw_uid == 0
print(os.getuid(), getpass.getuser(), grp.getgrgid(os.getgid()).gr_name, me.pw_dir)
`

func TestSandboxesAtOneTimeAreUsersOfTheirOwnWithOneName(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		uid, names, _ := strings.Cut(mustRun(t, start(t, nil), python(whoami)), " ")
		if seen[uid] || names != "vivarium vivarium /home/vivarium\n" {
			t.Errorf("user %s (others %v) is called %q", uid, seen, names)
		}
		seen[uid] = true
	}
}

// TestStartsAtOneTimeNeverMeetAtOneUser has two processes look for a user in the same order.
func TestStartsAtOneTimeNeverMeetAtOneUser(t *testing.T) {
	image := imagestest.Runner(t)
	const each = 3
	uids := make(chan string, 2*each)
	for range 2 {
		e := connect(t)
		e.LookForUsersInOrder()
		for range each {
			go func() {
				uid, err := userOf(t.Context(), t, e, image)
				if err != nil {
					t.Error(err)
				}
				uids <- uid
			}()
		}
	}
	seen := map[string]bool{}
	for range cap(uids) {
		uid := <-uids
		if seen[uid] {
			t.Errorf("two sandboxes run as user %q", uid)
		}
		seen[uid] = true
	}
}

// userOf starts a sandbox that stays until the test ends, and asks it for its user.
func userOf(ctx context.Context, t *testing.T, e *sandbox.Engine, image string) (string, error) {
	s, err := e.Start(ctx, spec(e, image))
	if err != nil {
		return "", err
	}
	t.Cleanup(func() { s.Close() })
	var o output
	_, err = s.Run(ctx, shell("id -u"), o.take)
	return o.stdout.String(), err
}
