package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"vivarium/images/imagestest"
	"vivarium/sandbox/egress/egresstest"
	"vivarium/server/github/githubtest/events"
)

const (
	purgedRepository = "octo/purge-canary-name-2b7d"
	purgedAuthor     = "purge-canary-author-f04e"
	purgedWord       = "purge-canary-log-9c51"
)

// TestPurgeLeavesNoByteOfARepository: after a purge beside a running server, neither its data
// directory nor the engine holds the repository's name, its author or its log.
func TestPurgeLeavesNoByteOfARepository(t *testing.T) {
	w := newWorld(t, 1)
	server, _ := w.serve()
	shas, err := w.Git.Commit(t.Context(), purgedRepository,
		egresstest.Commit{Files: oneTest("print('" + purgedWord + "'.upper().lower())")})
	if err != nil {
		t.Fatal(err)
	}
	w.GitHub.AddRepo(purgedRepository)
	p := events.Push{Repo: purgedRepository, SHA: shas[0], Author: purgedAuthor}
	answer, err := events.Deliver(t.Context(), "http://"+w.addr+"/webhook", webhookSecret, "push", p.Payload())
	var delivered struct{ Build string }
	if err != nil || json.Unmarshal(answer.Body, &delivered) != nil || delivered.Build == "" {
		t.Fatalf("deliver: %v, %d %s", err, answer.Code, answer.Body)
	}
	w.until(3*time.Minute, "GitHub knows that the build passed", func() bool {
		states := w.states(shas[0])
		return len(states) > 0 && states[len(states)-1] == "success"
	})
	other, _ := w.push(oneTest("print('another')"))
	w.until(3*time.Minute, "another repository's build passes", func() bool { return w.build(other).State == "passed" })

	before := map[string]string{}
	readFiles(t, w.data, before)
	for _, canary := range []string{purgedRepository, purgedAuthor, purgedWord} {
		if !strings.Contains(strings.Join(values(before), ""), canary) {
			t.Errorf("control: %s is in no file before the purge", canary)
		}
	}
	out, err := w.command("repos", "purge", purgedRepository, "--yes").CombinedOutput()
	if err != nil {
		t.Fatalf("purge: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	w.searchAfterPurge(t, "while the server runs")
	if code, body := w.get("/logs/" + delivered.Build); code != http.StatusNotFound {
		t.Errorf("the purged build's page: %d %s", code, body)
	}
	if b := w.build(other); b.State != "passed" {
		t.Errorf("the other repository's build is %+v", b)
	}
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	w.searchAfterPurge(t, "after the server's end")
}

// searchAfterPurge searches every file of the data directory, and all that the engine holds.
func (w *world) searchAfterPurge(t *testing.T, when string) {
	t.Helper()
	seen := map[string]string{}
	readFiles(t, w.data, seen)
	seen["what the engine says"] = w.engineSays(t)
	for where, text := range seen {
		for _, canary := range []string{purgedRepository, purgedAuthor, purgedWord} {
			if strings.Contains(text+where, canary) {
				t.Errorf("%s %s holds %s", when, where, canary)
			}
		}
	}
	if !strings.Contains(seen["what the engine says"], imagestest.Options(t).Runners) {
		t.Error("control: the engine's images do not name the runner image")
	}
	found := w.inRunnerImages(t, purgedRepository, purgedAuthor, purgedWord, "vivarium-init")
	if !found["vivarium-init"] {
		t.Error("control: no runner image holds vivarium-init")
	}
	for _, canary := range []string{purgedRepository, purgedAuthor, purgedWord} {
		if found[canary] {
			t.Errorf("%s a runner image holds %s", when, canary)
		}
	}
}

// engineSays is all that the engine says about its images, their history, and its containers.
func (w *world) engineSays(t *testing.T) string {
	t.Helper()
	images, err := w.engine.ImageList(t.Context(), image.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	containers, err := w.engine.ContainerList(t.Context(), container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	all := []any{images, containers}
	for _, i := range images {
		history, err := w.engine.ImageHistory(t.Context(), i.ID)
		if err != nil {
			continue // another test has removed it
		}
		all = append(all, history)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// inRunnerImages reports which words are in the bytes of this test's runner images.
func (w *world) inRunnerImages(t *testing.T, words ...string) map[string]bool {
	t.Helper()
	images, err := w.engine.ImageList(t.Context(), image.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range images {
		for _, tag := range i.RepoTags {
			if strings.HasPrefix(tag, imagestest.Options(t).Runners+":") {
				names = append(names, tag)
			}
		}
	}
	if len(names) == 0 {
		t.Fatal("there is no runner image")
	}
	r, err := w.engine.ImageSave(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return wordsIn(t, r, words)
}

// wordsIn looks for words in a stream, piece by piece. It keeps the end of each piece, in which a
// word might begin.
func wordsIn(t *testing.T, r io.Reader, words []string) map[string]bool {
	t.Helper()
	const overlap = 256
	found := map[string]bool{}
	in := bufio.NewReaderSize(r, 1<<20)
	var tail string
	piece := make([]byte, 1<<20)
	for {
		n, err := io.ReadFull(in, piece)
		text := tail + string(piece[:n])
		for _, word := range words {
			found[word] = found[word] || strings.Contains(text, word)
		}
		tail = text[max(len(text)-overlap, 0):]
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func values(m map[string]string) (all []string) {
	for _, text := range m {
		all = append(all, text)
	}
	return all
}
