package builds

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/database"
)

// Sight says whose builds somebody may see. The zero Sight sees none.
type Sight struct {
	All     bool   // every repository's
	Public  bool   // those of public repositories
	Pattern string // those of the repositories that it names, OWNER/NAME or OWNER/PATTERN; empty for none
}

// Sees reports whether a build of r may be seen.
func (v Sight) Sees(r pipeline.Repository) bool {
	return v.All || v.Public && !r.Private || v.Pattern != "" && registry.Matches(v.Pattern, r.FullName)
}

const publicQuery = "SELECT 1 FROM builds WHERE lower(repo) = ? AND NOT private LIMIT 1"

// mayKnow reports whether a repository may be known by its name. For who sees the public ones only
// this is one look into an index that holds no private build: how long it takes does not tell a
// hidden repository from none.
func (b *Builds) mayKnow(ctx context.Context, v Sight, name string) (bool, error) {
	if v.All || v.Pattern != "" && registry.Matches(v.Pattern, name) {
		return true, nil
	}
	if !v.Public {
		return false, nil
	}
	var found []int
	err := b.db.Read(ctx).Raw(publicQuery, strings.ToLower(name)).Scan(&found).Error
	if err != nil {
		return false, fmt.Errorf("look for public builds of a repository: %w", err)
	}
	return len(found) > 0, nil
}

// restrict is Sees in SQL, over the columns repo and private of a table.
func (v Sight) restrict(db *gorm.DB, table string) *gorm.DB {
	if v.All {
		return db
	}
	switch {
	case v.Public && v.Pattern != "":
		return db.Where("(NOT "+table+".private OR ?)", database.Fits(table+".repo", v.Pattern))
	case v.Public: // in the words of the index of what is public
		return db.Where("NOT " + table + ".private")
	case v.Pattern != "":
		return db.Where("?", database.Fits(table+".repo", v.Pattern))
	}
	return db.Where("FALSE")
}
