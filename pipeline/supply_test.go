package pipeline_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/hosts"
	"vivarium/sandbox/egress/egresstest"
)

// openHost starts a git host that anybody may read, with a package in a repository of two commits.
func openHost(t *testing.T) *egresstest.GitHost {
	t.Helper()
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	files := func(value string) map[string]string {
		return map[string]string{
			"setup.py":  "from setuptools import setup\n\nsetup(name='helper', version='1', py_modules=['helper'])\n",
			"helper.py": "VALUE = " + value + "\n",
		}
	}
	if _, err := h.Commit(t.Context(), "acme/helper", egresstest.Commit{Files: files("1"), Tag: "v1"},
		egresstest.Commit{Files: files("2")}); err != nil {
		t.Fatal(err)
	}
	return h
}

// listing is a request of an operator who lists these hosts.
func (w *world) listing(t *testing.T, files map[string]string, git, index string) pipeline.Request {
	t.Helper()
	q := w.request(w.commit(t, files))
	for list, address := range map[*hosts.List]string{&q.Settings.GitHosts: git, &q.Settings.IndexHosts: index} {
		if address == "" {
			continue
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		*list = hosts.List{hosts.Origin(u)}
	}
	return q
}

const helperTest = "import helper\nimport unittest\n\n\nclass T(unittest.TestCase):\n" +
	"    def test_it(self):\n        self.assertEqual(helper.VALUE, 1)\n"

func TestRepositoryOfAListedHostIsInstalled(t *testing.T) {
	requireBuildTools(t)
	w, h := theWorld(t), openHost(t)
	files := map[string]string{
		"requirements.txt": "greeter\nhelper @ git+" + h.URL() + "/acme/helper.git@v1\n", "test_a.py": helperTest,
	}
	o, l := w.run(t, w.listing(t, files, h.URL(), ""))
	wantCause(t, o, "")
	if !strings.Contains(l.step(pipeline.StepTest), "Ran 1 test") {
		t.Error("the test did not run")
	}
	for _, r := range h.Requests() {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("credentials went to %s", r.Path)
		}
	}
	asked := len(h.Requests())
	o, _ = w.run(t, w.listing(t, files, "", ""))
	wantCause(t, o, pipeline.CauseInstall)
	wantText(t, o.Summary, "requirements.txt:2: ", "VIVARIUM_GIT_HOSTS")
	if n := len(h.Requests()); asked == 0 || n != asked {
		t.Errorf("%d requests of the first build, %d of one whose host is not listed", asked, n-asked)
	}
}

// TestRepositoryThatIsNotHadIsSaidByItsLine: git's own words name an address inside the sandbox.
func TestRepositoryThatIsNotHadIsSaidByItsLine(t *testing.T) {
	w, h := theWorld(t), openHost(t)
	private := strings.TrimSuffix(w.host.URL(), "/")
	for name, c := range map[string]struct {
		host, repo string
		fault      egresstest.Fault
		cause      pipeline.Cause
		says       string
	}{
		"not there": {h.URL(), "/acme/nowhere", nil, pipeline.CauseInstall, "answered 404"},
		"private":   {private, "/test/private", nil, pipeline.CauseInstall, "without credentials"},
		"away":      {h.URL(), "/acme/helper", egresstest.Status(http.StatusBadGateway), pipeline.CauseIndex, "answered 502"},
	} {
		t.Run(name, func(t *testing.T) {
			h.SetFault(c.fault)
			files := map[string]string{"requirements.txt": "helper @ git+" + c.host + c.repo + "\n", "test_a.py": helperTest}
			o, l := w.run(t, w.listing(t, files, c.host, ""))
			wantCause(t, o, c.cause)
			wantText(t, o.Summary, "requirements.txt:1: git host ")
			wantText(t, l.text(), c.says)
			if o.Heals != (c.cause == pipeline.CauseIndex) {
				t.Errorf("heals: %v", o.Heals)
			}
		})
	}
}

// further starts an index of an origin of its own, with one package.
func further(t *testing.T) *egresstest.Index {
	t.Helper()
	x := egresstest.IndexFor(t, egresstest.IndexConfig{})
	x.Add(egresstest.Wheel("helper", "1.0", map[string]string{"helper.py": "VALUE = 1\n"}))
	return x
}

func TestIndexOfAListedHostIsAskedToo(t *testing.T) {
	w := theWorld(t)
	for name, option := range map[string]string{
		"further":         "--extra-index-url %",
		"a page of links": "--find-links %helper/",
	} {
		t.Run(name, func(t *testing.T) {
			x := further(t)
			files := map[string]string{
				"requirements.txt": strings.ReplaceAll(option, "%", x.URL()) + "\nhelper\ngreeter\n", "test_a.py": helperTest,
			}
			o, _ := w.run(t, w.listing(t, files, "", x.URL()))
			wantCause(t, o, "")
			asked := len(x.Requests())
			o, _ = w.run(t, w.listing(t, files, "", ""))
			wantCause(t, o, pipeline.CauseInstall)
			wantText(t, o.Summary, "requirements.txt:1: ", "VIVARIUM_INDEX_HOSTS")
			if n := len(x.Requests()); asked == 0 || n != asked {
				t.Errorf("%d requests of the first build, %d of one whose host is not listed", asked, n-asked)
			}
		})
	}
}

// TestIndexInPlaceOfTheConfiguredOne: with --index-url pip asks no other.
func TestIndexInPlaceOfTheConfiguredOne(t *testing.T) {
	w, x := theWorld(t), further(t)
	files := map[string]string{"requirements.txt": "-i " + x.URL() + "\nhelper\n", "test_a.py": helperTest}
	before := len(w.index.Requests())
	o, _ := w.run(t, w.listing(t, files, "", x.URL()))
	wantCause(t, o, "")
	if n := len(w.index.Requests()) - before; n != 0 || len(x.Requests()) == 0 {
		t.Errorf("the configured index got %d requests, the other %d", n, len(x.Requests()))
	}
	x.SetFault(egresstest.Status(http.StatusBadGateway))
	o, _ = w.run(t, w.listing(t, files, "", x.URL()))
	wantCause(t, o, pipeline.CauseIndex)
	wantText(t, o.Summary, "answered 502")
}

const indexTest = "import os, socket, subprocess, sys, unittest\n\n\nclass T(unittest.TestCase):\n" +
	"    def test_it(self):\n" +
	"        subprocess.run([sys.executable, '-m', 'pip', 'download', '--retries=0', '--no-deps', '-d', '/tmp', " +
	"'greeter'], check=True)\n" +
	"        print('GIT', [name for name in os.environ if name.startswith('GIT_')])\n" +
	"        with self.assertRaises(OSError):\n" +
	"            socket.create_connection(('192.0.2.1', 80), timeout=5)\n"

// TestIndexIsOpenInTestsOnlyWhereTheRepositoryAsksForIt, and nothing else is.
func TestIndexIsOpenInTestsOnlyWhereTheRepositoryAsksForIt(t *testing.T) {
	w, h := theWorld(t), openHost(t)
	files := map[string]string{
		"pyproject.toml": "[tool.vivarium]\nindex = true\n", "test_a.py": indexTest,
		"requirements.txt": "helper @ git+" + h.URL() + "/acme/helper.git@v1\n",
	}
	o, l := w.run(t, w.listing(t, files, h.URL(), ""))
	wantCause(t, o, "")
	wantText(t, l.step(pipeline.StepTest), "Ran 1 test", "GIT []")
	files["pyproject.toml"] = ""
	o, _ = w.run(t, w.listing(t, files, h.URL(), ""))
	wantCause(t, o, pipeline.CauseTests)
}

// TestIndexThatIsAwayIsSaidWhereTestsAskIt: they are red all the same.
func TestIndexThatIsAwayIsSaidWhereTestsAskIt(t *testing.T) {
	w := theWorld(t)
	w.index.SetFault(egresstest.Status(http.StatusBadGateway))
	defer w.index.SetFault(nil)
	o, l := build(t, map[string]string{"pyproject.toml": "[tool.vivarium]\nindex = true\n", "test_a.py": indexTest})
	wantCause(t, o, pipeline.CauseTests)
	wantText(t, l.step(pipeline.StepTest), "answered 502")
}
