package images

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
)

// open connects to the engine. It cannot use imagestest, which imports this package.
func open(t *testing.T) *Manager {
	t.Helper()
	m, err := Open(t.Context(), Options{})
	if err != nil {
		if os.Getenv("VIVARIUM_REQUIRE_ENGINE") == "1" {
			t.Fatalf("this test needs a Docker engine: %v", err)
		}
		t.Skipf("this test needs a Docker engine: %v", err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// registry serves one small image as ref; an engine talks to a loopback address without TLS.
func registry(t *testing.T, arch string) (ref, digest string) {
	t.Helper()
	layer := tarOf(t, "./", "./hello")
	blobs := make(map[string][]byte)
	add := func(data []byte) map[string]any {
		sum := sha256.Sum256(data)
		d := "sha256:" + hex.EncodeToString(sum[:])
		blobs[d] = data
		return map[string]any{"digest": d, "size": len(data)}
	}
	marshal := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	const vendor = "application/vnd.docker."
	layerDesc := add(gzipped(t, layer))
	layerDesc["mediaType"] = vendor + "image.rootfs.diff.tar.gzip"
	sum := sha256.Sum256(layer)
	configDesc := add(marshal(map[string]any{
		"os": "linux", "architecture": arch, "config": map[string]any{
			"Labels": map[string]string{"nonce": t.TempDir()},
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(sum[:])}},
	}))
	configDesc["mediaType"] = vendor + "container.image.v1+json"
	const manifestType = vendor + "distribution.manifest.v2+json"
	manifest := marshal(map[string]any{
		"schemaVersion": 2,
		"mediaType":     manifestType,
		"config":        configDesc,
		"layers":        []any{layerDesc},
	})
	digest = add(manifest)["digest"].(string)

	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if key == "latest" {
			key = digest
		}
		data, found := blobs[key]
		switch {
		case r.URL.Path == "/v2/":
			return
		case !found:
			http.NotFound(w, r)
			return
		case strings.Contains(r.URL.Path, "/manifests/"):
			w.Header().Set("Content-Type", manifestType)
		}
		w.Header().Set("Docker-Content-Digest", key)
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		if r.Method != http.MethodHead {
			w.Write(data)
		}
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String() + "/vivarium-test/base:latest", digest
}

func TestPullPinsTheBaseByTheRegistrysDigest(t *testing.T) {
	m := open(t)
	ref, digest := registry(t, m.arch)
	defer m.cli.ImageRemove(t.Context(), ref, image.RemoveOptions{PruneChildren: true})
	b, err := m.pull(t.Context(), ref, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if want := ref + "@" + digest; b.desc != want {
		t.Errorf("base = %s, want %s", b.desc, want)
	}
	if err := m.checkBase(t.Context(), b); err != nil {
		t.Errorf("checkBase() = %v", err)
	}
}

func TestPullOfASilentRegistryEndsSoonAndSaysSo(t *testing.T) {
	m := open(t)
	m.firstAnswer = 200 * time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, in the kernel, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	start := time.Now()
	_, err = m.pull(t.Context(), l.Addr().String()+"/vivarium-test/base:latest", io.Discard)
	if err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("error = %v, want one that says that the registry does not answer", err)
	}
	if took := time.Since(start); took > firstAnswer { // as long as it takes when no shorter time is set
		t.Errorf("took %v, want hardly more than %v", took, m.firstAnswer)
	}
}

func TestPullTakesTheEnginesOwnImageWhenNoRegistryAnswersAndSaysSo(t *testing.T) {
	m := open(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ref := l.Addr().String() + "/vivarium-test/base:latest"
	l.Close() // from now on the address refuses connections
	if b, err := m.pull(t.Context(), ref, io.Discard); err == nil {
		t.Fatalf("pull() = %v without a registry and without an image", b)
	}
	id, err := m.importRootFS(t.Context(), strings.NewReader(string(tarOf(t, "./", "./hello"))), "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.cli.ImageTag(t.Context(), id, ref); err != nil {
		t.Fatal(err)
	}
	defer m.cli.ImageRemove(t.Context(), ref, image.RemoveOptions{PruneChildren: true})
	var told strings.Builder
	b, err := m.pull(t.Context(), ref, &told)
	if err != nil {
		t.Fatal(err)
	}
	if b.id != id {
		t.Errorf("base = %s, want %s", b.id, id)
	}
	if !strings.Contains(told.String(), "taking the one that the engine has") {
		t.Errorf("told %q, want it to say which image it takes", told.String())
	}
}

func TestOurOwnNamesAreNeverAskedOfARegistry(t *testing.T) {
	// This engine fails the test when somebody asks it to pull.
	m := stubEngine(t, func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the engine was asked to pull: %s", r.URL)
	})
	if b, err := m.pull(t.Context(), "vivarium/base:python-3.11", io.Discard); err == nil {
		t.Errorf("pull() = %v, want an error: this engine has no image", b)
	}
}

func TestWithoutRegistryAndMirrorTheErrorNamesImport(t *testing.T) {
	t.Setenv("PATH", "") // no mmdebstrap, and no apt-get to install it
	m := stubEngine(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, `{"message":"dial tcp: no such host"}`)
	})
	_, err := m.Ensure(t.Context(), Default, nil)
	for _, want := range []string{"no such host", "bootstrap a Debian base", "vivarium images import"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want one that says %q", err, want)
		}
	}
}

func TestImageThatIsRemovedMeanwhileIsNotListed(t *testing.T) {
	answers := map[string]string{
		"/v1.41/images/json":                       `[{"RepoTags": ["vivarium/runner:gone", "vivarium/runner:there"]}]`,
		"/v1.41/images/vivarium/runner:there/json": `{"Id": "sha256:1", "Created": "2026-01-02T03:04:05Z"}`,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"message":"no such image"}`
		}
		io.WriteString(w, answer)
	}))
	defer s.Close()
	cli, err := client.NewClientWithOpts(client.WithHost("tcp://"+s.Listener.Addr().String()),
		client.WithVersion("1.41"))
	if err != nil {
		t.Fatal(err)
	}
	m := &Manager{cli: cli, runners: runnerRepo}
	defer m.Close()
	if list, err := m.List(t.Context()); err != nil || len(list) != 1 || list[0].Name != "there" {
		t.Errorf("got %+v, %v; want the one that is there", list, err)
	}
}

// stubEngine is an engine without images, for a situation that a real one cannot be put into: that
// there is no registry at all.
func stubEngine(t *testing.T, pull http.HandlerFunc) *Manager {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1.41/images/create", pull)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"message":"no such image"}`)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	cli, err := client.NewClientWithOpts(client.WithHost("tcp://"+s.Listener.Addr().String()),
		client.WithVersion("1.41"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/vivarium-init-linux-"+runtime.GOARCH, []byte("init"), 0o755); err != nil {
		t.Fatal(err)
	}
	m := &Manager{
		cli: cli, log: slog.New(slog.DiscardHandler), arch: runtime.GOARCH,
		init:    initBinary{dir: dir, arch: runtime.GOARCH},
		runners: runnerRepo, making: make(chan struct{}, 1), firstAnswer: firstAnswer,
	}
	t.Cleanup(func() { m.Close() })
	return m
}
