package builds

import (
	"errors"
	"strings"
	"testing"

	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/store/database"
)

// TestSightInSQLIsSight holds that what a query finds is what Sees says.
func TestSightInSQLIsSight(t *testing.T) {
	everyDatabase(t, func(t *testing.T, b *Builds) {
		var all []pipeline.Build
		for _, r := range []pipeline.Repository{
			{FullName: "octo/hello"}, {FullName: "octo/secret", Private: true}, {FullName: "Octo/Secret-2", Private: true},
			{FullName: "octo/sec_ret", Private: true}, {FullName: "octo/secXret", Private: true},
			{FullName: "octopus/secret", Private: true},
		} {
			id := handIn(t, b, Row{Repo: r.FullName, Private: r.Private}, 0)
			all = append(all, pipeline.Build{ID: id, Repo: r})
		}
		for _, v := range []Sight{
			{}, {All: true}, {Public: true}, {Pattern: "octo/secret"}, {Pattern: "OCTO/*"}, {Pattern: "octo/sec_ret"},
			{Pattern: "octo/*-2", Public: true}, {Pattern: "nobody/*"},
		} {
			for _, one := range all {
				_, err := b.Visible(t.Context(), one.ID, v)
				if err != nil && !errors.Is(err, database.ErrNotFound) {
					t.Fatal(err)
				}
				if found := err == nil; found != v.Sees(one.Repo) {
					t.Errorf("%+v finds %s: %v, but sees: %v", v, one.Repo.FullName, found, !found)
				}
			}
		}
	})
}

// TestAHiddenRepositoryIsLookedForAsNoneIs: the index that is looked into holds no private build,
// so that how long it takes does not tell the two apart. What is found is told by
// TestBadgeOfWhatMayNotBeSeenIsThatOfNothing and its like.
func TestAHiddenRepositoryIsLookedForAsNoneIs(t *testing.T) {
	b := onSQLite(t)
	handIn(t, b, Row{Repo: "octo/hidden", Private: true}, 0)
	handIn(t, b, Row{Repo: "octo/open"}, 0)
	for name, want := range map[string]bool{
		"octo/open": true, "Octo/Open": true, "octo/hidden": false, "octo/none": false,
	} {
		if known, err := b.mayKnow(t.Context(), Sight{Public: true}, name); err != nil || known != want {
			t.Errorf("%s is known: %v, %v", name, known, err)
		}
	}
	var plan []struct{ Detail string }
	if err := b.db.Read(t.Context()).Raw("EXPLAIN QUERY PLAN "+publicQuery, "octo/open").Scan(&plan).Error; err != nil {
		t.Fatal(err)
	}
	if len(plan) != 1 || !strings.Contains(plan[0].Detail, "builds_public") {
		t.Errorf("the look is planned as %+v", plan)
	}
}

// TestTheNewestPublicBuildsAreFoundBesideManyPrivateOnes: without an index anybody who lists builds
// has all private ones read.
func TestTheNewestPublicBuildsAreFoundBesideManyPrivateOnes(t *testing.T) {
	b := onSQLite(t)
	list := b.db.Read(t.Context()).ToSQL(func(db *gorm.DB) *gorm.DB {
		return Sight{Public: true}.restrict(db, "builds").Order("id DESC").Limit(100).Find(&[]Row{})
	})
	var plan []struct{ Detail string }
	if err := b.db.Read(t.Context()).Raw("EXPLAIN QUERY PLAN " + list).Scan(&plan).Error; err != nil {
		t.Fatal(err)
	}
	if len(plan) != 1 || !strings.Contains(plan[0].Detail, "builds_newest_public") {
		t.Errorf("%s is planned as %+v", list, plan)
	}
}
