package pipeline_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"vivarium/pipeline"
	"vivarium/sandbox/egress/egresstest"
)

// tarOf is a working tree of these files.
func tarOf(t *testing.T, tree fs.FS) pipeline.Tree {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.AddFS(tree); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return pipeline.Tree{Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b.Bytes())), nil
	}}
}

func TestWorkingTreeThatCannotBeReadIsNoEngineFailure(t *testing.T) {
	w := theWorld(t)
	o, _ := w.run(t, w.request(pipeline.Tree{Open: func(context.Context) (io.ReadCloser, error) {
		return nil, errors.New("the folder went away")
	}}))
	wantCause(t, o, pipeline.CauseClone)
	wantText(t, o.Summary, "the folder went away")
}

func TestWorkingTreeIsTooLargeWhateverItsFilesAreCalled(t *testing.T) {
	w := theWorld(t)
	half := &fstest.MapFile{Data: make([]byte, 150<<20)}
	full := syscall.ENOSPC.Error()
	o, _ := w.run(t, w.request(tarOf(t, fstest.MapFS{"a": half, "b": half})))
	wantCause(t, o, pipeline.CauseDiskFull)
	wantText(t, o.Summary, "the working tree does not fit, 256 MiB")

	// A link that stands where a folder should be is refused for that reason.
	var b bytes.Buffer
	tree := tar.NewWriter(&b)
	for _, h := range []*tar.Header{
		{Typeflag: tar.TypeSymlink, Name: full, Linkname: "/"},
		{Typeflag: tar.TypeReg, Name: full + "/x: " + full},
	} {
		if err := tree.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	o, _ = w.run(t, w.request(pipeline.Tree{
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(&b), nil },
	}))
	wantCause(t, o, pipeline.CauseClone)
	wantText(t, o.Summary, full)
}

func TestCloneFailureIsToldAndNotRetried(t *testing.T) {
	w := theWorld(t)
	good := w.commit(t, map[string]string{"a.py": ""})
	for name, c := range map[string]struct {
		change func(*pipeline.Git)
		want   string
	}{
		"missing repository": {
			func(g *pipeline.Git) { g.URL = w.host.RepoURL("no/such") },
			"404 Not Found: repository not found, or GITHUB_TOKEN may not read it",
		},
		"missing commit": {
			func(g *pipeline.Git) { g.SHA = strings.Repeat("0", 39) + "1" },
			"the commit 000000000000 is not in the repository (any longer), as after a forced push",
		},
		"wrong token": {
			func(g *pipeline.Git) { g.Tokens = pipeline.FixedToken("wrong") },
			"401 Unauthorized: GITHUB_TOKEN is wrong or has expired",
		},
		"no token for now": {
			func(g *pipeline.Git) { g.Repo, g.Tokens = "no/such", tokensOf{} },
			"get a token to read no/such with: no clone of no/such now",
		},
		"not a commit": {
			func(g *pipeline.Git) { g.SHA = "--upload-pack=touch /tmp/x" },
			"not the whole ID of a commit",
		},
	} {
		t.Run(name, func(t *testing.T) {
			source := good
			c.change(&source)
			o, l := w.run(t, w.request(source))
			wantCause(t, o, pipeline.CauseClone)
			wantText(t, l.step(pipeline.StepClone), c.want)
			wantText(t, o.Summary, c.want)
			if heals := name == "wrong token" || name == "no token for now"; o.Heals != heals {
				t.Errorf("heals is %v, want %v", o.Heals, heals)
			}
			if strings.Contains(l.text(), "Try 1") {
				t.Error("it was tried again")
			}
		})
	}
	o, _ := w.run(t, w.request(good)) // the control: this commit can be cloned
	wantCause(t, o, pipeline.CauseNoTests)
}

// tokensOf are tokens by repository and purpose; there is none of any other.
type tokensOf map[string]string

func (s tokensOf) Token(_ context.Context, repo string, purpose pipeline.Purpose) (string, error) {
	token, ok := s[string(purpose)+" of "+repo]
	if !ok {
		return "", fmt.Errorf("no %s of %s now", purpose, repo)
	}
	return token, nil
}

func TestTokenIsAskedForOfTheRepositoryThatIsCloned(t *testing.T) {
	w := theWorld(t)
	source := w.commit(t, map[string]string{"a.py": ""})
	source.Repo = "octo/hello"
	source.Tokens = tokensOf{
		"clone of octo/hello":  gitToken,
		"report of octo/hello": "wrong",
		"clone of octo/other":  "wrong",
	}
	o, _ := w.run(t, w.request(source))
	wantCause(t, o, pipeline.CauseNoTests)
	source.Repo = "octo/other" // the control: the host refuses another repository's token
	o, _ = w.run(t, w.request(source))
	wantCause(t, o, pipeline.CauseClone)
}

// released are tokens that want to be given back.
type released struct {
	tokensOf
	back []string
}

func (r *released) Release(token string) { r.back = append(r.back, token) }

// TestTheTokenOfACloneIsGivenBackWhenTheCloneIsDone: whether it succeeded or not, before anything of
// the repository runs.
func TestTheTokenOfACloneIsGivenBackWhenTheCloneIsDone(t *testing.T) {
	w := theWorld(t)
	source := w.commit(t, map[string]string{"a.py": ""})
	source.Repo = "octo/hello"
	for _, sha := range []string{source.SHA, strings.Repeat("0", 39) + "1"} {
		tokens := &released{tokensOf: tokensOf{"clone of octo/hello": gitToken}}
		source.SHA, source.Tokens = sha, tokens
		l := newLog()
		l.onText = func(text string) {
			if strings.HasPrefix(text, "Plan") && len(tokens.back) == 0 {
				t.Error("the plan is made, and the token is not given back")
			}
		}
		if _, err := w.runner.Run(t.Context(), w.request(source), l); err != nil {
			t.Fatal(err)
		}
		if len(tokens.back) != 1 || tokens.back[0] != gitToken {
			t.Errorf("%s: %d tokens were given back", sha, len(tokens.back))
		}
	}
}

func TestCloneIsRetriedWhileTheHostDoesNotAnswer(t *testing.T) {
	host, err := egresstest.StartGitHost(egresstest.GitHostConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	shas, err := host.Commit(t.Context(), "a/b", egresstest.Commit{Files: map[string]string{"a.py": ""}})
	if err != nil {
		t.Fatal(err)
	}
	w := theWorld(t)
	source := pipeline.Git{URL: host.RepoURL("a/b"), SHA: shas[0]}

	host.SetFault(egresstest.Drop)
	o, l := w.run(t, w.request(source))
	wantCause(t, o, pipeline.CauseClone)
	wantText(t, l.step(pipeline.StepClone), "Try 1 of 2 failed; the next one in 1 s")
	if !o.Heals || strings.Contains(l.text(), "Try 2") {
		t.Errorf("it heals: %v; the log: %s", o.Heals, l.text())
	}

	l = newLog()
	l.onText = func(text string) {
		if strings.HasPrefix(text, "Try 1") {
			host.SetFault(nil)
		}
	}
	o, err = w.runner.Run(t.Context(), w.request(source), l)
	if err != nil {
		t.Fatal(err)
	}
	wantCause(t, o, pipeline.CauseNoTests)
}

func TestTokenNeverEntersTheSandbox(t *testing.T) {
	o, l := build(t, map[string]string{"test_a.py": `import os, subprocess, unittest
class T(unittest.TestCase):
    def test(self):
        print("marker of the environment:", dict(os.environ))
        for root, _, files in os.walk("/tmp/workspace"):
            for name in files:
                with open(os.path.join(root, name), "rb") as f:
                    print(root, name, f.read())
        print("grep:", subprocess.run(
            ["grep", "-rl", "-".join(["canary", "5e1f0c9a7b"]), "/home", "/tmp", "/opt/vivarium/env", ` +
		`"/etc"],
            stdout=subprocess.PIPE).stdout)
        print("config:", subprocess.check_output(["git", "config", "--list", "--show-origin"]))
`})
	wantCause(t, o, "") // log.check has also searched all output for the token
	wantText(t, l.step(pipeline.StepTest), "marker of the environment", "grep: b''", "core.repositoryformatversion")
	w := theWorld(t)
	if _, err := w.host.Commit(t.Context(), "t/control", egresstest.Commit{
		Files: map[string]string{"a": ""},
	}); err != nil {
		t.Fatal(err)
	}
	source := w.commit(t, map[string]string{"a": ""})
	source.Tokens = nil
	o, _ = w.run(t, w.request(source)) // the control: without the token there is no clone
	wantCause(t, o, pipeline.CauseClone)
}

func TestRepositoryCannotRunProgramsDuringTheClone(t *testing.T) {
	o, l := build(t, map[string]string{
		".gitattributes": "* filter=evil diff=evil merge=evil\n",
		".gitmodules":    "[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c touch% /tmp/ran\n",
		"test_a.py": `import os, unittest
class T(unittest.TestCase):
    def test(self):
        self.assertFalse(os.path.exists("/tmp/ran"))
        self.assertFalse(os.path.exists("/tmp/workspace/.git/hooks"))
`})
	wantCause(t, o, "")
	wantText(t, l.step(pipeline.StepPlan), "not fetched  submodule x")
}
