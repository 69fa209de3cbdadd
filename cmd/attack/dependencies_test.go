package attack

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/hosts"
	"vivarium/sandbox/egress"
	"vivarium/sandbox/egress/egresstest"
	"vivarium/sandbox/egress/repositories"
)

// openHost starts a git host that anybody may read and push to, with these repositories.
func openHost(t *testing.T, names ...string) *egresstest.GitHost {
	t.Helper()
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	setup := "import os\nfrom setuptools import setup\n\nopen('/tmp/where', 'w').write(os.environ['GIT_CONFIG_KEY_0'])\n" +
		"setup(name='helper', version='1', py_modules=['helper'])\n"
	for _, name := range names {
		if _, err := h.Commit(t.Context(), name,
			egresstest.Commit{Files: map[string]string{"setup.py": setup, "helper.py": ""}}); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// listed are the hosts of these addresses.
func listed(addresses ...string) (l hosts.List) {
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err != nil {
			panic(err) // they are those of servers of ours
		}
		l = append(l, hosts.Origin(u))
	}
	return l
}

// TestDependencies sends requests from inside a sandbox to the service for repositories that a build
// depends on. The first of them is open to all, the second private, the third on a host that is not
// listed. Requests that arrive at the hosts are counted.
func TestDependencies(t *testing.T) {
	w := theWorld(t)
	h, elsewhere := openHost(t, "acme/helper", "acme/other"), openHost(t, "acme/helper")
	w.commit(t, map[string]string{"a.py": ""})
	private := w.host.RepoURL("attack/TestDependencies")
	proxy := repositories.New(repositories.Config{
		URLs:   []*url.URL{h.RepoURL("acme/helper"), private, elsewhere.RepoURL("acme/helper")},
		Listed: listed(h.URL(), w.host.URL()).Has,
	})
	trials := dependencyTrials(h, elsewhere, proxy)
	mark := func(int) string {
		return request("GET", proxy.Path(0)+advertise, "Git-Protocol: version=1\r\n")
	}
	s := w.box(t, "requests.py", between(trials, mark))
	told := through(t, s, "git", proxy)
	arrived := arrivals(h.Requests(),
		func(r egresstest.Request) bool { return r.Header.Get("Git-Protocol") == "version=1" })
	if len(arrived) != len(trials)+1 {
		t.Fatalf("control: %d of %d requests that are offered arrived: %+v", len(arrived), len(trials)+1, told)
	}
	offered := func(r egresstest.Request) string {
		own := h.RepoURL("acme/helper").Path
		if r.Path != own+advertise && r.Path != own+uploadPack {
			return "this is not offered"
		}
		return onlyHeaders(r.Header, "Accept", "Accept-Encoding", "Content-Length", "Content-Type", "Git-Protocol",
			"User-Agent")
	}
	for i, tr := range trials {
		attack(t, tr.name, tr.tried, func(t *testing.T, l *line) {
			if tr.goal != "" {
				host, goal, _ := strings.Cut(tr.goal, " ")
				if code := inTheClear(t, host, goal); code != http.StatusOK {
					t.Errorf("control: the host itself answers %d", code)
				}
				l.control = "the host itself answers 200; requests before and after it arrived"
			}
			tr.judge(t, l, told[tr.name], arrived[i], offered)
			for _, r := range elsewhere.Requests() {
				if r.Header.Get("User-Agent") != "" {
					t.Errorf("%s arrived at the host that is not listed", r.Path)
				}
			}
		})
	}
	w.privateDependency(t, proxy, private)
	w.dependencyRedirects(t, h, elsewhere)
}

// dependencyTrials are requests that must not pass, each with the same one in the open.
func dependencyTrials(h, elsewhere *egresstest.GitHost, proxy *repositories.Proxy) []trial {
	own, other := "/acme/helper.git", "/acme/other.git"+advertise
	first := proxy.Path(0)
	var trials []trial
	add := func(name, method, target, lines, goal string) {
		trials = append(trials, trial{
			name: name, tried: method + " " + target, request: request(method, target, lines), goal: goal,
		})
	}
	atOther := h.URL() + " " + request("GET", other, "")
	for name, target := range sorted(map[string]string{
		"other-repository": other, "dots": first + "/../.." + other, "encoded-dots": first + "/%2e%2e/%2e%2e" + other,
		"encoded-slashes": first + "%2f..%2f..%2facme%2fother.git" + advertise, "absolute-form": h.URL() + other,
		"no-number": egress.GitPath + advertise, "number-too-high": "/3" + egress.GitPath + advertise,
		"signed-number": "/+0" + egress.GitPath + advertise, "padded-number": "/00" + egress.GitPath + advertise,
		"backslashes": first + `\..\..\acme\other.git` + advertise,
	}) {
		add(name, "GET", target, "", atOther)
	}
	add("host-that-is-not-listed", "GET", proxy.Path(2)+advertise, "",
		elsewhere.URL()+" "+request("GET", own+advertise, ""))
	add("push-refs", "GET", first+receivePack, "", h.URL()+" "+request("GET", "/acme/other.git"+advertise, ""))
	add("push", "POST", first+"/git-receive-pack",
		"Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 0\r\n", atOther)
	add("dumb-protocol", "GET", first+"/HEAD", "", h.URL()+" "+request("GET", own+"/HEAD", ""))
	return append(trials, smuggled(first+advertise, first+uploadPack, request("GET", other, ""))...)
}

// privateDependency asks for a repository that only the server's token opens.
func (w *world) privateDependency(t *testing.T, proxy *repositories.Proxy, private *url.URL) {
	attack(t, "private-repository", "a repository that the server's token opens, as a dependency",
		func(t *testing.T, l *line) {
			if code := inTheClear(t, w.host.URL(), withToken(private.Path+advertise)); code != http.StatusOK {
				t.Errorf("control: with the token the host answers %d", code)
			}
			l.control = "with the token the host answers 200"
			begin := len(w.host.Requests())
			s := w.box(t, "requests.py", sendings([]sending{{
				Name: "fetch", Request: []byte(request("GET", proxy.Path(1)+advertise, "")),
			}}))
			told := through(t, s, "git", proxy)["fetch"]
			arrived := w.host.Requests()[begin:]
			for _, r := range arrived {
				if r.Header.Get("Authorization") != "" {
					t.Errorf("credentials went to %s", r.Path)
				}
			}
			if len(arrived) != 1 || told.detail != "403" {
				t.Errorf("%d arrived, and the sandbox was told %s", len(arrived), told.detail)
			}
			l.outcome = "1 arrived, without the token; the sandbox was told " + told.detail
		})
}

// dependencyRedirects lets a listed host lead the proxy elsewhere.
func (w *world) dependencyRedirects(t *testing.T, h, elsewhere *egresstest.GitHost) {
	for name, address := range sorted(map[string]string{
		"redirect-to-a-host-that-is-not-listed": elsewhere.URL(),
		"redirect-to-another-scheme":            strings.Replace(h.URL(), "http://", "https://", 1),
	}) {
		attack(t, name, "a redirect to "+address, func(t *testing.T, l *line) {
			h.SetFault(redirect(elsewhere.URL() + "/acme/helper.git" + advertise))
			if err := inTheOpenGet(t, h.RepoURL("acme/helper").String()+advertise); err != nil {
				t.Errorf("control: a client that follows does not get there: %v", err)
			}
			l.control = "a client that follows a redirect gets there"
			h.SetFault(redirect(address + "/acme/helper.git" + advertise))
			defer h.SetFault(nil)
			begin := len(elsewhere.Requests())
			proxy := repositories.New(repositories.Config{
				URLs: []*url.URL{h.RepoURL("acme/helper")}, Listed: listed(h.URL()).Has,
			})
			s := w.box(t, "requests.py", sendings([]sending{{
				Name: "fetch", Request: []byte(request("GET", proxy.Path(0)+advertise, "")),
			}}))
			told := through(t, s, "git", proxy)["fetch"]
			if n := len(elsewhere.Requests()) - begin; n != 0 || told.detail != "403" {
				t.Errorf("%d arrived; the sandbox was told %s", n, told.detail)
			}
			l.outcome = "0 arrived; the sandbox was told " + told.detail
		})
	}
}

// TestDependenciesOfAPlan builds repositories that name what they depend on, as any build is made.
func TestDependenciesOfAPlan(t *testing.T) {
	w := theWorld(t)
	h := openHost(t, "acme/helper")
	files := map[string]string{
		"requirements.txt": "helper @ git+" + h.URL() + "/acme/helper.git\n",
		"test_a.py": "import subprocess\nimport unittest\n\n\nclass T(unittest.TestCase):\n    def test_it(self):\n" +
			"        address = open('/tmp/where').read().removeprefix('url.')" +
			".removesuffix('.insteadof').removesuffix('.insteadOf')\n" +
			"        asked = subprocess.run(['git', 'ls-remote', address], capture_output=True, text=True)\n" +
			"        print('LS-REMOTE', asked.returncode, asked.stderr)\n",
	}
	build := func(t *testing.T, list hosts.List) (pipeline.Outcome, string, int) {
		begin := len(h.Requests())
		q := w.request(t, w.commit(t, files))
		q.Settings.GitHosts = list
		o, l := w.run(t, q)
		return o, l.String(), len(h.Requests()) - begin
	}
	attack(t, "after-its-step", "git ls-remote of a dependency, in the tests", func(t *testing.T, l *line) {
		o, log, n := build(t, listed(h.URL()))
		if o.State != pipeline.Passed || n == 0 {
			t.Fatalf("control: the build ended as %s: %s; %d arrived", o.State, o.Summary, n)
		}
		l.control = fmt.Sprintf("pip fetched it in the step before, by %d requests", n)
		if !strings.Contains(log, "LS-REMOTE 128") {
			t.Error("in the tests it is not refused")
		}
		l.outcome = "refused in the tests"
	})
	attack(t, "host-that-is-not-listed", "git+http of a host that is not listed", func(t *testing.T, l *line) {
		if _, _, n := build(t, listed(h.URL())); n == 0 {
			t.Error("control: with the host listed nothing arrives")
		}
		l.control = "with the host listed it is fetched"
		o, _, n := build(t, nil)
		if o.Cause != pipeline.CauseInstall || n != 0 || !strings.Contains(o.Summary, "VIVARIUM_GIT_HOSTS") {
			t.Errorf("%d arrived, and the build ended with %q: %s", n, o.Cause, o.Summary)
		}
		l.outcome = "0 arrived; failed by install: " + o.Summary
	})
}
