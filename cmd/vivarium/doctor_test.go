package main

import (
	"bytes"
	"database/sql"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"vivarium/cmd/vivarium/datadir"
	"vivarium/cmd/vivarium/doctor"
	"vivarium/server/store"
)

func TestHealthIsThatOfTheServerWhichTheSettingsDescribe(t *testing.T) {
	t.Chdir(t.TempDir()) // a folder without .env
	status, asked := http.StatusOK, ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		w.WriteHeader(status)
	}))
	defer s.Close()
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	health := func(addr string) (int, string) {
		var out, errOut bytes.Buffer
		// A proxy would answer in place of the server.
		environ := []string{"VIVARIUM_ADDR=" + addr, "HTTP_PROXY=http://127.0.0.1:1",
			"DOCKER_HOST=unix:///nowhere.sock"}
		code := run(t.Context(), []string{"doctor", "--health"}, environ, nil, &out, &errOut)
		return code, out.String() + errOut.String()
	}
	for _, addr := range []string{":" + port, "0.0.0.0:" + port, "127.0.0.1:" + port} {
		if code, text := health(addr); code != exitOK || asked != "/healthz" || !strings.HasPrefix(text, "ok ") {
			t.Errorf("%s: exit code %d, asked for %q: %s", addr, code, asked, text)
		}
	}
	status = http.StatusServiceUnavailable
	if code, text := health(":" + port); code != exitNo || !strings.Contains(text, "503") {
		t.Errorf("a server that is not well: exit code %d, %s", code, text)
	}
	s.Close()
	if code, text := health(":" + port); code != exitNo || !strings.Contains(text, "does not answer") {
		t.Errorf("a server that is down: exit code %d, %s", code, text)
	}
}

func TestHealthOfAServerThatSpeaksHTTPS(t *testing.T) {
	t.Chdir(t.TempDir())
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	for _, setting := range []string{"VIVARIUM_TLS_CERT=c VIVARIUM_TLS_KEY=k", "VIVARIUM_TLS_DOMAIN=ci.example.org"} {
		var out bytes.Buffer
		environ := append(strings.Fields(setting), "VIVARIUM_ADDR="+s.Listener.Addr().String())
		if code := run(t.Context(), []string{"doctor", "--health"}, environ, nil, &out, &out); code != exitOK {
			t.Errorf("%s: exit code %d, %s", setting, code, out.String())
		}
	}
}

func TestCommandsLeaveAnOlderServersDatabaseToIt(t *testing.T) {
	t.Chdir(t.TempDir())
	dir := t.TempDir()
	if _, err := operatorKey(config{dataDir: dir}); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, datadir.DatabaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	steps := func() (n int) {
		if err := db.QueryRow("SELECT count(*) FROM schema_migrations").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	all := steps()
	if _, err := db.Exec("DELETE FROM schema_migrations " +
		"WHERE id = (SELECT max(id) FROM schema_migrations)"); err != nil {
		t.Fatal(err)
	}
	var found []doctor.Finding
	c := &checkup{config: config{dataDir: dir},
		Checkup: doctor.New(func(f doctor.Finding) { found = append(found, f) })}
	c.database(t.Context())
	if len(found) != 1 || found[0].Level != doctor.Advice ||
		!strings.Contains(found[0].Text, "migrates it when it starts (1 to do)") {
		t.Errorf("the doctor says %+v", found)
	}
	for _, args := range [][]string{{"builds", "list"}, {"audit"}, {"repos", "list"}, {"repos", "add", "octo/hello"},
		{"token"}} {
		var out bytes.Buffer
		if code := run(t.Context(), args, []string{"VIVARIUM_DATA_DIR=" + dir}, nil, &out, &out); code == exitOK ||
			!strings.Contains(out.String(), "older Vivarium's") {
			t.Errorf("%q: exit code %d, %s", args, code, out.String())
		}
	}
	if n := steps(); n != all-1 {
		t.Errorf("the database has %d steps, want its %d", n, all-1)
	}
}
