package attack

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox/egress"
	"vivarium/sandbox/egress/egresstest"
)

const clientTimeout = 10 * time.Second

// TestIndexProxy sends requests to the index service from a repository's setup.py, and again from
// its tests, when the service is gone. Requests that arrive at the index and at the files' host
// behind it are counted, so that no other test may use them meanwhile.
func TestIndexProxy(t *testing.T) {
	w := theWorld(t)
	w.index.Add(egresstest.Wheel("target", "1.0", nil))
	trials := indexTrials(w)
	const marks = "/simple/attack-mark-"
	mark := func(i int) string { return request("GET", fmt.Sprint(marks, i, "/"), "") }
	pages, files := len(w.index.Requests()), len(w.index.FileRequests())
	setup, tests := w.inSandbox(t, "requests.py", between(trials, mark))
	arrived := map[int][]egresstest.Request{} // of all runs of setup.py, by the mark before them
	runs, current := 0, len(trials)
	for _, r := range w.index.Requests()[pages:] {
		var i int
		if n, err := fmt.Sscanf(r.Path, marks+"%d/", &i); n == 1 && err == nil {
			if current = i; i == len(trials) {
				runs++ // the requests until the next run are pip's own
			}
			continue
		}
		if current < len(trials) {
			arrived[current] = append(arrived[current], r)
		}
	}
	if runs == 0 {
		t.Fatalf("control: no run of setup.py came through to the index: %+v", setup)
	}
	filesAsked := w.index.FileRequests()[files:]
	offered := func(r egresstest.Request) string {
		if r.Host != strings.Split(w.index.URL(), "/")[2] || r.Path != "/simple/target/" {
			return "this is not offered"
		}
		return onlyHeaders(r.Header, "Accept", "Accept-Encoding", "If-None-Match", "User-Agent")
	}
	for i, tr := range trials {
		attack(t, tr.name, tr.tried, func(t *testing.T, l *line) {
			if tr.goal != "" {
				address, request, _ := strings.Cut(tr.goal, " ")
				if code := inTheClear(t, address, request); code != http.StatusOK {
					t.Errorf("control: the host itself answers %d", code)
				}
				l.control = "the host itself answers 200; requests before and after it arrived"
			}
			tr.passes *= runs
			tr.judge(t, l, setup[tr.name], arrived[i], offered)
			for _, r := range filesAsked {
				if strings.Contains(r.Path, "/target/") {
					t.Errorf("the files' host was asked for %s", r.Path)
				}
			}
			if later := tests[tr.name]; later.outcome != "refused" {
				t.Errorf("in the tests it %s (%s)", later.outcome, later.detail)
			}
			l.outcome += "; in the tests " + tests[tr.name].detail
		})
	}
}

func indexTrials(w *world) []trial {
	const page, file = "/simple/target/", "/packages/target/target-1.0-py3-none-any.whl"
	index, files := strings.TrimSuffix(w.index.URL(), "/simple/"), w.index.FilesURL()
	atIndex, atFiles := index+" "+request("GET", page, ""), files+" "+request("GET", file, "")
	var trials []trial
	add := func(name, method, target, lines, goal string) {
		trials = append(trials,
			trial{name: name, tried: method + " " + target, request: request(method, target, lines), goal: goal})
	}
	for name, target := range sorted(map[string]string{
		"files-of-the-host": file, "absolute-form": files + file, "dots": "/simple/../" + file,
		"encoded-dots":    "/simple/%2e%2e" + file,
		"encoded-slashes": "/simple/..%2fpackages%2ftarget/", "address-as-a-project": "/simple/" + files + file,
		"forged-link":       "/files/00000000000000000000000000000000/target-1.0-py3-none-any.whl",
		"address-as-a-link": "/files/" + files + file, "backslashes": `/simple/..\..\packages\target/`,
	}) {
		add(name, "GET", target, "", atFiles)
	}
	for name, target := range sorted(map[string]string{
		"absolute-form-of-the-index": index + page, "mixed-case": "/SIMPLE/target/",
		"double-slash": "//simple/target/", "nul": "/simple/target%00/",
		"encoded-name": "/simple/t%61rget/", "query": page + "?format=json", "no-slash": "/simple/target",
		"other-path":   "/simple/target/../../admin/",
		"all-projects": "/simple/", "semicolon": "/simple/target;x/", "line-break": "/simple/target%0d%0aX-Evil:1/",
		"space": "/simple/target%20/",
	}) {
		add(name, "GET", target, "", atIndex)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
		add("upload-by-"+strings.ToLower(method), method, page, "Content-Length: 0\r\n", atIndex)
	}
	trials = append(trials, trial{name: "connect", tried: "CONNECT to the files' host", goal: atFiles,
		request: "CONNECT " + strings.TrimPrefix(files, "http://") +
			" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"})
	return append(trials, smuggled(page, page, request("GET", files+file, ""))...)
}

// TestIndexLinks lets a hostile index lead the proxy to where it must not go: by the links of its
// pages, by redirects of its files and by redirects of its pages.
func TestIndexLinks(t *testing.T) {
	w := theWorld(t)
	f := newForbidden(t)
	up := startHostileIndex(t, f.addresses())
	var asked []sending
	for name := range sorted(f.addresses()) {
		for _, way := range []string{"link", "redirect", "page"} {
			asked = append(asked, sending{Name: way + "-" + name, Project: way + "-" + name})
		}
	}
	s := w.box(t, "requests.py", sendings(asked))
	lookUp(t)
	told := through(t, s, "index", session(linkIndex(t, up, nil)))
	reached := f.byName()
	lookUp(t)
	allowed := through(t, s, "index",
		session(linkIndex(t, up, []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")})))
	listed := f.byName()
	for _, one := range asked {
		way, name, _ := strings.Cut(one.Name, "-")
		attack(t, one.Name, "an index leads by "+way+" to "+f.addresses()[name], func(t *testing.T, l *line) {
			if listed[one.Name] == 0 {
				t.Errorf("control: with all addresses listed the sandbox does not get there: it was told %s",
					allowed[one.Name].detail)
			}
			l.control = "with the address listed by the operator the sandbox gets there"
			if reached[one.Name] != 0 || strings.HasPrefix(told[one.Name].detail, "200") {
				t.Errorf("%d arrived; the sandbox was told %s", reached[one.Name], told[one.Name].detail)
			}
			l.outcome = "0 arrived; the sandbox was told " + told[one.Name].detail
		})
	}
}

// startHostileIndex starts an index that leads to these addresses in every way that it has. The
// last part of a path names the way and the address.
func startHostileIndex(t *testing.T, addresses map[string]string) *egresstest.Index {
	t.Helper()
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	for name, address := range addresses {
		link := egresstest.Wheel("link-"+name, "1.0", nil)
		link.URL, link.NoHash = address+"/latest/link-"+name, true
		moved := egresstest.Wheel("redirect-"+name, "1.0", nil)
		moved.URL, moved.NoHash = "/simple/moved/redirect-"+name, true // at the index's own origin, below its path
		up.Add(link, moved)
	}
	up.SetFault(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(a http.ResponseWriter, r *http.Request) {
			what := path.Base(r.URL.Path)
			way, name, _ := strings.Cut(what, "-")
			switch {
			case way == "page":
				redirect(addresses[name]+"/simple/"+what)(next).ServeHTTP(a, r)
			case path.Dir(r.URL.Path) == "/simple/moved":
				redirect(addresses[name]+"/latest/"+what)(next).ServeHTTP(a, r)
			default:
				next.ServeHTTP(a, r)
			}
		})
	})
	return up
}

func (f *forbidden) byName() map[string]int {
	counts := map[string]int{}
	for _, r := range f.take() {
		counts[path.Base(r.URL.Path)]++
	}
	return counts
}

func linkIndex(t *testing.T, up *egresstest.Index, allow []netip.Prefix) *egress.Index {
	t.Helper()
	u, err := url.Parse(up.URL())
	if err != nil {
		t.Fatal(err)
	}
	x, err := egress.NewIndex(egress.IndexConfig{Upstream: u, Allow: allow})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// session is the part of an index that one build sees.
func session(x *egress.Index) http.Handler { return x.Session(func(string) {}, 0) }
