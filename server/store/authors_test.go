package store

import (
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

func TestServeDropsAuthorsAndTheirBytes(t *testing.T) {
	o := Options{DataDir: t.TempDir(), Log: testLog(t)}
	s := openStore(t, o)
	p := push(1)
	p.Author = canaries["author"]
	stop := serve(t, s, Work{Build: passing})
	id := accept(t, s, p)
	waitState(t, s, id, pipeline.Passed)
	stop()
	// Pages full of rows, in which some bytes stay unless they are overwritten.
	err := s.db.Transact(t.Context(), func(tx *database.Tx) error {
		for n := range 50 {
			row := builds.Row{
				Repo:      "octo/old",
				Author:    p.Author,
				Message:   strings.Repeat("m", 7*n),
				State:     pipeline.Passed,
				EndedAt:   1,
				Compacted: true,
			}
			if err := tx.Create(&row).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	checkpoint := func() {
		if err := s.db.Read(t.Context()).Exec("PRAGMA wal_checkpoint(TRUNCATE)").Error; err != nil {
			t.Fatal(err)
		}
	}
	checkpoint()
	if len(filesWith(t, o.DataDir, p.Author)) == 0 {
		t.Fatal("control: no file holds the author before")
	}
	serve(t, s, Work{Build: passing, KeepAuthors: time.Nanosecond})
	eventually(t, "the author is dropped", func() bool {
		b, err := s.Builds.Get(t.Context(), id)
		return err == nil && b.Author == ""
	})
	checkpoint()
	if files := filesWith(t, o.DataDir, p.Author); len(files) > 0 {
		t.Errorf("the author still stands in %s", strings.Join(files, ", "))
	}
}
