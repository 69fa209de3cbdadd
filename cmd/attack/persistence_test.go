package attack

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"vivarium/images/imagestest"
	"vivarium/pipeline"
	"vivarium/sandbox"
)

// places are where one build could leave something for the next. written says whether the writer's
// own build must see its files there; it cannot see them where nothing can be written.
var places = []struct {
	name, prefix string
	written      bool
}{
	{"workspace", sandbox.Workspace, true}, // before the place that it is in
	{"tmp", sandbox.Tmp, true},
	{"home", sandbox.Home, true},
	{"environment", sandbox.Env, true},
	{"names", sandbox.Names, true},
	{"shared-memory", sandbox.Shm, true},
	// gVisor has no message queues, and does not show the other kinds even to the writer.
	{"message-queues", "/dev/mqueue", !imagestest.GVisor()},
	{"ipc", "/ipc", !imagestest.GVisor()},
	{"seed", sandbox.Seed, false},
	{"image", "/", false},
}

// listing is what files.py says of each path of a file system.
type listing map[string]string

// list builds a repository whose tests list the whole file system. In the role of a writer they
// first write wherever they can.
func (w *world) list(t *testing.T, role string) (l listing, wrote map[string]string) {
	t.Helper()
	tests := `import subprocess, sys, unittest
class Attack(unittest.TestCase):
    def test(self):
        subprocess.run([sys.executable, "files.py", "` + role + `"], check=True)
`
	files := map[string]string{"test_attack.py": tests, "files.py": program(t, "files.py")}
	if role == "write" {
		files["setup.py"] = strings.ReplaceAll(setupPy, `"attack_program.py")]`, `"files.py"), "make"]`)
	}
	o, said := w.build(t, files)
	if o.State != pipeline.Passed || !strings.Contains(said.String(), "LISTED") {
		t.Fatalf("the build that lists its files ended as %s %s: %s", o.State, o.Cause, o.Summary)
	}
	l, wrote = listing{}, map[string]string{}
	for text := range strings.Lines(said.String()) {
		switch f := strings.Split(strings.TrimRight(text, "\r\n"), "\t"); {
		case f[0] == "FILE" && len(f) == 3:
			l[f[1]] = f[2]
		case f[0] == "WROTE" && len(f) == 3:
			wrote[f[1]] = f[2]
		}
	}
	return l, wrote
}

// below are the files of a place, without those of an earlier place in the list.
func (l listing) below(place int) listing {
	part := listing{}
	for path, text := range l {
		first := 0
		for !strings.HasPrefix(path+"/", strings.TrimRight(places[first].prefix, "/")+"/") {
			first++
		}
		if first == place {
			part[path] = text
		}
	}
	return part
}

// differences are the paths at which two listings differ.
func differences(a, b listing) []string {
	var found []string
	for path := range sorted(merged(a, b)) {
		if a[path] != b[path] {
			found = append(found, fmt.Sprintf("%s: %q, then %q", path, a[path], b[path]))
		}
	}
	return found
}

func merged(a, b listing) listing {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// TestPersistence lets a build write wherever it can, and compares what a build before it and one
// after it find.
func TestPersistence(t *testing.T) {
	w := theWorld(t)
	before, _ := w.list(t, "list")
	written, wrote := w.list(t, "write")
	after, _ := w.list(t, "list")
	if len(before) < 1000 {
		t.Fatalf("only %d files are listed", len(before))
	}
	for i, p := range places {
		attack(t, p.name, "writing below "+p.prefix, func(t *testing.T, l *line) {
			own := differences(before.below(i), written.below(i))
			switch {
			case p.written && len(own) == 0:
				t.Errorf("control: the writer's own build does not see what it wrote (%v)", wrote)
			case p.written:
				l.control = fmt.Sprintf("the writer's own build sees %d changes", len(own))
			case len(own) != 0:
				t.Errorf("it was written to: %.2000v", own)
			default:
				l.control = fmt.Sprintf("the same program wrote elsewhere: %s files", wrote["written"])
			}
			if d := differences(before.below(i), after.below(i)); len(d) != 0 {
				t.Errorf("the next build finds %d things changed: %.4000v", len(d), d)
			}
			l.outcome = fmt.Sprintf("the next build's %d files are the same byte for byte", len(after.below(i)))
		})
	}
}
