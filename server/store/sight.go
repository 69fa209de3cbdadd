package store

import (
	"strings"

	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/registry"
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

// restrict is Sees in SQL, over the columns repo and private of a table.
func (v Sight) restrict(db *gorm.DB, table string) *gorm.DB {
	if v.All {
		return db
	}
	any, values := []string{"FALSE"}, []any{}
	if v.Public {
		any = append(any, "NOT "+table+".private")
	}
	if v.Pattern != "" {
		any = append(any, "?")
		values = append(values, fits(table+".repo", v.Pattern))
	}
	return db.Where("("+strings.Join(any, " OR ")+")", values...)
}
