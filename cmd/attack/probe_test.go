package attack

import (
	"archive/tar"
	"bytes"
	"maps"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"vivarium/images/imagestest"
	"vivarium/pipeline"
)

// result is what an attack program says of one attack (see probe.py).
type result struct {
	tried   string
	outcome string // worked, refused, or broken: a mistake of the program
	detail  string // what it got, or the name of the error
}

// results reads the lines of an attack program that has run to its end.
func results(t *testing.T, output string) map[string]result {
	t.Helper()
	found, complete := map[string]result{}, false
	for text := range strings.Lines(output) {
		// unittest's own "test ... ", which comes on the other stream, may stand in front.
		if i := strings.Index(text, "PROBE"); i > 0 {
			text = text[i:]
		}
		f := strings.Split(strings.TrimRight(text, "\r\n"), "\t")
		switch {
		case f[0] == "PROBED":
			complete = true
		case f[0] == "PROBE" && len(f) == 5:
			found[f[1]] = result{f[2], f[3], f[4]}
		}
	}
	if !complete || len(found) == 0 {
		t.Fatalf("the attack program did not come to its end:\n%s", output)
	}
	return found
}

// setupPy runs the attack when pip asks the project for its wheel. It keeps the attack's output for
// the tests to show, since pip shows nothing of a set-up that succeeds.
const setupPy = `import os, pathlib, subprocess, sys
from setuptools import setup
with open(os.path.expanduser("~/said-by-setup"), "w") as said:
    subprocess.run([sys.executable, str(pathlib.Path(__file__).parent / "attack_program.py")], stdout=said, check=True)
setup(name="attack", version="1.0", py_modules=[])
`

// testPy shows the output from the set-up, then runs the attack again.
const testPy = `import os, subprocess, sys, unittest
class Attack(unittest.TestCase):
    def test(self):
        with open(os.path.expanduser("~/said-by-setup")) as said:
            print("\n" + said.read() + "END OF SETUP", flush=True)
        subprocess.run([sys.executable, "attack_program.py"], check=True)
`

// inSandbox runs an attack program with the product's pipeline, as a repository's setup.py and as
// its tests.
func (w *world) inSandbox(t *testing.T, name string, data map[string]string) (setup, tests map[string]result) {
	t.Helper()
	o, l := w.build(t, attacker(t, name, data))
	if o.State != pipeline.Passed {
		t.Fatalf("the build that runs the attack ended as %s %s: %s", o.State, o.Cause, o.Summary)
	}
	return bothResults(t, l.String())
}

// attacker is a repository that runs an attack program as its setup.py and as its tests.
func attacker(t *testing.T, name string, data map[string]string) map[string]string {
	t.Helper()
	files := map[string]string{
		"setup.py": setupPy, "test_attack.py": testPy,
		"attack_program.py": program(t, name), "probe.py": program(t, "probe.py"),
	}
	maps.Copy(files, data)
	return files
}

// bothResults reads the log of an attacker's build.
func bothResults(t *testing.T, log string) (setup, tests map[string]result) {
	t.Helper()
	before, after, ok := strings.Cut(log, "END OF SETUP")
	if !ok {
		t.Fatalf("the tests did not show what the set-up said:\n%s", log)
	}
	return results(t, before), results(t, after)
}

// inTheOpen runs an attack program with nothing in its way: as root with every capability, in a
// container of the same image without filter or masked paths, on the machine's own network, and
// always under the engine's default runtime. If an attack is not seen to work there, its refusal
// elsewhere proves nothing.
func (w *world) inTheOpen(t *testing.T, name string, data map[string]string) map[string]result {
	t.Helper()
	c, err := w.docker.ContainerCreate(t.Context(),
		&container.Config{
			Image: imagestest.Runner(t), User: "0:0", WorkingDir: "/attack", Env: []string{"PYTHONDONTWRITEBYTECODE=1"},
			// The attack is not PID 1 itself, so that there is another process to look into.
			Entrypoint: []string{"sh", "-c", "python3 attack_program.py & wait"},
			Labels:     map[string]string{"vivarium.instance": w.runner.Instance + "-control"},
		},
		&container.HostConfig{
			NetworkMode: "host", IpcMode: "host", CgroupnsMode: "host", CapAdd: capabilities(t),
			SecurityOpt: []string{"seccomp=unconfined", "apparmor=unconfined"},
			MaskedPaths: []string{}, ReadonlyPaths: []string{}, Binds: []string{"/sys:/sys"},
			// The engine may have been started with lower limits.
			Resources: container.Resources{Ulimits: []*container.Ulimit{
				{Name: "core", Soft: -1, Hard: -1}, {Name: "nofile", Soft: 20000, Hard: 20000},
			}},
		}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer w.remove(t, c.ID)
	files := map[string]string{"attack/attack_program.py": program(t, name), "attack/probe.py": program(t, "probe.py")}
	for path, text := range data {
		files["attack/"+path] = text
	}
	if err := w.docker.CopyToContainer(t.Context(), c.ID, "/", tarOf(t, files),
		container.CopyToContainerOptions{}); err != nil {
		t.Fatal(err)
	}
	return results(t, w.output(t, c.ID))
}

// output starts a container and gives all that it prints until its end.
func (w *world) output(t *testing.T, id string) string {
	t.Helper()
	attached, err := w.docker.ContainerAttach(t.Context(), id,
		container.AttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer attached.Close()
	if err := w.docker.ContainerStart(t.Context(), id, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if _, err := stdcopy.StdCopy(&said, &said, attached.Reader); err != nil {
		t.Fatal(err)
	}
	return said.String()
}

func (w *world) remove(t *testing.T, id string) {
	t.Helper()
	if err := w.docker.ContainerRemove(t.Context(), id, container.RemoveOptions{Force: true}); err != nil {
		t.Error(err)
	}
}

func tarOf(t *testing.T, files map[string]string) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for path, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o755, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}
