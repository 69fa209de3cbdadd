package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox/egress/egresstest"
	"vivarium/server/api"
	"vivarium/server/github/githubtest/events"
)

// shellBlocks gives the commands of a page, block by block.
func shellBlocks(t *testing.T, page string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)\n```sh\n(.*?)```\n").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// tomlBlock is the page's one file of what is fixed.
func tomlBlock(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)\n```toml\n(.*?)```\n").FindStringSubmatch(string(text))
	if m == nil {
		t.Fatalf("%s has no block of TOML", page)
	}
	return m[1]
}

// write writes a file into the folder of the server's settings.
func (w *world) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.data, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCourseGoesAsItsPageSays runs every command of docs/courses.md in order, and pushes where the
// page says so.
func TestCourseGoesAsItsPageSays(t *testing.T) {
	w := newWorld(t, 1)
	w.setting = []string{"GITHUB_WEBHOOK_SECRET=", "VIVARIUM_REPOSITORIES="}
	const group = "school/group-1"
	for _, repo := range []string{group, "school/group-2", "school/website"} {
		w.GitHub.AddRepo(repo)
	}
	shas, err := w.Git.Commit(t.Context(), group, egresstest.Commit{Files: oneTest("self.assertEqual(1 + 1, 2)")})
	if err != nil {
		t.Fatal(err)
	}
	blocks := shellBlocks(t, filepath.Join("..", "..", "docs", "courses.md"))
	if len(blocks) < 7 {
		t.Fatalf("the page has %d blocks of commands", len(blocks))
	}
	done := map[string]string{}
	for _, block := range blocks {
		switch {
		case strings.TrimSpace(block) == "vivarium serve":
			w.serve()
			continue
		case strings.Contains(block, "--repo "+group):
			w.pushByHook(t, group, shas[0])
		case strings.Contains(block, "week1.toml"):
			w.write(t, "week1.toml", tomlBlock(t, filepath.Join("..", "..", "docs", "courses.md")))
		}
		for _, line := range strings.Split(strings.TrimSpace(block), "\n") {
			done[line] = w.shell(t, strings.ReplaceAll(line, "'2026-12-01 18:00'",
				"'"+time.Now().Add(time.Hour).Format("2006-01-02 15:04")+"'"))
		}
	}
	for line, want := range map[string]string{
		"vivarium repos add 'school/group-*' --hooks": `(?m)^school/group-1 +webhook created, ping ` +
			`received\nschool/group-2 +webhook created, ping received$`,
		"vivarium builds list --repo " + group: `passed .*school/group-1 +refs/heads/main`,
		"vivarium repos list":                  `(?m)^school/group-1 .* success `,
		"vivarium repos fix 'school/group-*' week1.toml": `^Fixed of school/group-\*: install, python, test, timeout, ` +
			`files of ` +
			`school/tests at 0123456789ab, folder for-groups, the paths week1 `,
		"vivarium repos list | grep -iEo '^school/group-[^ *]+' | " +
			"xargs vivarium repos purge --yes": `(?m)^Removed of school/group-1: 1 build, .* 1 token`,
	} {
		if out, ran := done[line]; !ran || !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("%s (ran: %v) does not say %s:\n%s", line, ran, want, out)
		}
	}
	verdicts, err := os.ReadFile(filepath.Join(w.data, "verdicts.csv"))
	if err != nil || !strings.Contains(string(verdicts), group+",main,passed,,"+shas[0]+",") {
		t.Errorf("the verdicts are %v\n%s", err, verdicts)
	}
	for _, name := range []string{group, "school/group-2"} { // the second group has never pushed
		if files := filesNaming(t, w.data, name); len(files) > 0 {
			t.Errorf("after the end of the term %s still stands in %s", name, strings.Join(files, ", "))
		}
	}
}

// shell runs a line of a page in the folder of the server's settings, and gives its output.
func (w *world) shell(t *testing.T, line string) string {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = w.data
	cmd.Env = append(w.environ(), "PATH="+filepath.Dir(file)+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// pushByHook delivers a push as GitHub does through its webhook. It waits for the green tick, and
// until the server has noted that GitHub has the status.
func (w *world) pushByHook(t *testing.T, repo, sha string) {
	t.Helper()
	var delivered struct{ Build string }
	for _, h := range w.GitHub.Hooks() {
		if h.Repo != repo {
			continue
		}
		p := events.Push{Repo: repo, SHA: sha}
		a, err := events.Deliver(t.Context(), h.URL, h.Secret, "push", p.Payload())
		if err != nil || a.Code != 202 || json.Unmarshal(a.Body, &delivered) != nil {
			t.Fatalf("deliver: %v, %d %s", err, a.Code, a.Body)
		}
	}
	w.until(3*time.Minute, "the commit is green", func() bool {
		states := w.states(sha)
		return len(states) > 0 && states[len(states)-1] == "success"
	})
	w.until(time.Minute, "the server knows it", func() bool {
		_, body := w.get("/logs/" + delivered.Build)
		var b api.Build
		err := json.Unmarshal([]byte(body), &b)
		return err == nil && len(b.CommitStatuses) == 2 && b.CommitStatuses[1].SentAt != nil
	})
}

// filesNaming gives the files of the data directory that name a repository, except those that the
// page's commands wrote.
func filesNaming(t *testing.T, dir, name string) (files []string) {
	t.Helper()
	seen := map[string]string{}
	readFiles(t, dir, seen)
	for path, text := range seen {
		if strings.Contains(text, name) && filepath.Ext(path) != ".csv" {
			files = append(files, path)
		}
	}
	return files
}
