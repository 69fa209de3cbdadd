package attack

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"vivarium/sandbox/egress"
	"vivarium/sandbox/egress/egresstest"
)

const (
	advertise   = "/info/refs?service=git-upload-pack"
	uploadPack  = "/git-upload-pack"
	receivePack = "/info/refs?service=git-receive-pack"
	wants       = "Content-Type: application/x-git-upload-pack-request\r\n"
)

// authorization is the value of the header that carries the token.
var authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+token))

// withToken asks the git host itself for target, in the open, which needs the token.
func withToken(target string) string {
	return request("GET", target, "Authorization: "+authorization+"\r\n")
}

// TestGitProxy sends requests from inside a sandbox to the git service of one repository. The host
// has another repository and takes pushes. Requests that arrive at the host are counted.
func TestGitProxy(t *testing.T) {
	w := theWorld(t)
	source := w.commit(t, map[string]string{"a.py": ""})
	if _, err := w.host.Commit(t.Context(), "attack/other",
		egresstest.Commit{Files: map[string]string{"secret.py": ""}}); err != nil {
		t.Fatal(err)
	}
	trials := gitTrials(w, strings.TrimPrefix(source.URL.Path, "/"))
	mark := func(int) string { return request("GET", egress.GitPath+advertise, "Git-Protocol: version=1\r\n") }
	s := w.box(t, "requests.py", between(trials, mark))
	begin := len(w.host.Requests())
	told := through(t, s, "git", egress.NewGit(egress.GitConfig{Upstream: source.URL, Token: token}))
	arrived := arrivals(w.host.Requests()[begin:],
		func(r egresstest.Request) bool { return r.Header.Get("Git-Protocol") == "version=1" })
	if len(arrived) != len(trials)+1 {
		t.Fatalf("control: %d of %d requests that are offered arrived: %+v", len(arrived), len(trials)+1, told)
	}
	offered := func(r egresstest.Request) string {
		if r.Host != source.URL.Host || r.Path != source.URL.Path+advertise && r.Path != source.URL.Path+uploadPack {
			return "this is not offered"
		}
		return onlyHeaders(r.Header, "Accept", "Accept-Encoding", "Authorization", "Content-Length", "Content-Type",
			"Git-Protocol", "User-Agent")
	}
	for i, tr := range trials {
		attack(t, tr.name, tr.tried, func(t *testing.T, l *line) {
			if tr.goal != "" {
				if code := inTheClear(t, w.host.URL(), tr.goal); code != http.StatusOK {
					t.Errorf("control: the host itself answers %d", code)
				}
				l.control = "the host itself answers 200; requests before and after it arrived"
			}
			tr.judge(t, l, told[tr.name], arrived[i], offered)
		})
	}
}

func gitTrials(w *world, repository string) []trial {
	const refs = egress.GitPath + advertise
	other := "/attack/other.git" + advertise
	goal, own := withToken(other), withToken("/"+repository+advertise)
	var trials []trial
	add := func(name, tried, request, goal string) {
		trials = append(trials, trial{name: name, tried: tried, request: request, goal: goal})
	}
	for name, target := range sorted(map[string]string{
		"other-repository": other, "dots": egress.GitPath + "/.." + other,
		"encoded-dots":      egress.GitPath + "/%2e%2e" + other,
		"half-encoded-dots": egress.GitPath + "/.%2E" + other,
		"encoded-slashes":   egress.GitPath + "%2f..%2fattack%2fother.git" + advertise,
		"double-slash":      "/" + other, "backslashes": egress.GitPath + `\..\attack\other.git` + advertise,
		"nul": egress.GitPath + "%00/.." + other, "absolute-form": w.host.URL() + other,
		"query-in-path": egress.GitPath + "%3f/.." + other, "fragment": egress.GitPath + "/info/refs#/.." + other,
	}) {
		add(name, "GET "+target, request("GET", target, ""), goal)
	}
	for name, target := range sorted(map[string]string{
		"mixed-case": "/Repo.git" + advertise, "absolute-form-of-itself": "http://vivarium" + refs,
		"more-query":      refs + "&x=1",
		"second-service":  refs + "&service=git-receive-pack",
		"encoded-service": egress.GitPath + "/info/refs?service=git%2dupload-pack",
		"dumb-protocol":   egress.GitPath + "/HEAD", "doubled-start": "/" + refs,
		"semicolon":    egress.GitPath + ";x" + advertise,
		"trailing-dot": egress.GitPath + "/./info/refs?service=git-upload-pack",
	}) {
		add(name, "GET "+target, request("GET", target, ""), own)
	}
	add("push-refs", "asking for refs to push to", request("GET", egress.GitPath+receivePack, ""),
		withToken("/"+repository+receivePack))
	add("push", "POST to git-receive-pack", request("POST", egress.GitPath+"/git-receive-pack",
		"Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 4\r\n")+"0000",
		withToken("/"+repository+receivePack))
	add("push-by-override", "PUT to git-receive-pack that a header calls POST",
		request("PUT", egress.GitPath+"/git-receive-pack",
			"X-HTTP-Method-Override: POST\r\nContent-Length: 0\r\n"), withToken("/"+repository+receivePack))
	add("connect", "CONNECT to the host",
		"CONNECT "+strings.TrimPrefix(w.host.URL(), "http://")+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", own)
	return append(trials, smuggled(refs, egress.GitPath+uploadPack, request("GET", other, ""))...)
}

// smuggled are requests that two readers could understand differently: what one takes for a body,
// the other takes for a request of its own or for a header.
func smuggled(get, post, hidden string) []trial {
	start := func(method, target string) string { return method + " " + target + " HTTP/1.1\r\nHost: vivarium\r\n" }
	length := fmt.Sprintf("Content-Length: %d\r\n", len("0\r\n\r\n")+len(hidden))
	var trials []trial
	add := func(name, tried, request string, passes int) {
		trials = append(trials, trial{name: name, tried: tried, request: request, passes: passes})
	}
	add("two-lengths", "two different Content-Length",
		start("GET", get)+"Content-Length: 0\r\nContent-Length: 9\r\n\r\n"+hidden, 0)
	add("list-of-lengths", "Content-Length: 0, 9", start("GET", get)+"Content-Length: 0, 9\r\n\r\n"+hidden, 0)
	add("signed-length", "Content-Length: +9", start("GET", get)+"Content-Length: +9\r\n\r\n"+hidden, 0)
	add("unknown-coding", "Transfer-Encoding: xchunked beside a length",
		start("POST", post)+wants+length+"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"+hidden, 0)
	add("two-codings", "Transfer-Encoding twice",
		start("POST", post)+wants+"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"+hidden,
		0)
	add("space-before-colon", "Transfer-Encoding with a space before the colon",
		start("POST", post)+wants+length+"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"+hidden, 0)
	add("nul-in-header", "a NUL in a header", start("GET", get)+"X-Evil: a\x00b\r\n\r\n", 0)
	add("no-host", "no Host", "GET "+get+" HTTP/1.1\r\nConnection: close\r\n\r\n", 0)
	add("two-hosts", "two Host headers", start("GET", get)+"Host: evil.example\r\nConnection: close\r\n\r\n", 0)
	add("http2", "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0)
	add("pipelined", "a hidden request behind one that is offered", start("GET", get)+"\r\n"+hidden, 1)
	add("hidden-in-chunks", "Content-Length and chunks, a request behind the last chunk",
		start("POST", post)+wants+length+"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+hidden,
		strings.Count(post, uploadPack))
	own := func(name, tried, lines string) {
		add(name, tried, request("GET", get, lines), 1)
	}
	add("other-host", "Host of another", "GET "+get+" HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 1)
	own("folded-header", "a header folded over two lines", "X-A: b\r\n Authorization: evil\r\n")
	own("connection-lists", "Connection that lists what must stay",
		"Connection: close, Authorization, Accept, User-Agent\r\n")
	own("own-authorization", "Authorization of its own",
		"Authorization: Basic evil\r\nProxy-Authorization: Basic evil\r\nCookie: evil=1\r\n")
	own("forwarded", "X-Forwarded and its kin",
		"X-Forwarded-Host: evil\r\nX-Forwarded-For: evil\r\nForwarded: host=evil\r\nX-Original-URL: /evil\r\n"+
			"X-Rewrite-URL: /evil\r\n")
	own("upgrade", "an upgrade to another protocol", "Upgrade: h2c\r\nHTTP2-Settings: evil\r\n")
	own("own-headers", "headers that would change the answer",
		"Range: bytes=0-1\r\nIf-None-Match: \"evil\"\r\nAccept-Language: evil\r\nUser-Agent: evil\r\n")
	add("expectation", "Expect that nobody knows", request("GET", get, "Expect: evil\r\n"), 0)
	return trials
}
