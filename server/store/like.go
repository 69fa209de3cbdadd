package store

import (
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"vivarium/server/registry"
)

// fits is the condition that a column's name of a repository fits a registry's pattern. One name alone is found by an index
// over lower(repo).
func fits(column, pattern string) clause.Expr {
	pattern = strings.ToLower(pattern)
	if !registry.IsPattern(pattern) {
		return gorm.Expr("lower("+column+") = ?", pattern)
	}
	return gorm.Expr("lower("+column+`) LIKE ? ESCAPE '\'`, strings.ReplaceAll(literal(pattern), "*", "%"))
}

// containing is the LIKE pattern of what holds a text, with \ for escape.
func containing(text string) string { return "%" + literal(text) + "%" }

// literal is a text as LIKE takes it by its letters, with \ for escape.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text)
}
