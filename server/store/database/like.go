package database

import (
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Fits is the condition that a column's text fits a pattern, whatever the case of letters. "*" in
// it stands for any text; a pattern without one is found by an index over lower(column).
func Fits(column, pattern string) clause.Expr {
	pattern = strings.ToLower(pattern)
	if !strings.Contains(pattern, "*") {
		return gorm.Expr("lower("+column+") = ?", pattern)
	}
	return gorm.Expr("lower("+column+`) LIKE ? ESCAPE '\'`, strings.ReplaceAll(literal(pattern), "*", "%"))
}

// Containing is the LIKE pattern of what holds a text, with \ for escape.
func Containing(text string) string { return "%" + literal(text) + "%" }

// literal is a text as LIKE takes it by its letters, with \ for escape.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text)
}
