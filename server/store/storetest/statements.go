package storetest

import (
	"fmt"
	"sync/atomic"

	"gorm.io/gorm"
)

// traces gives each callback a name of its own, which GORM asks for.
var traces atomic.Int64

// Trace tells note of each statement of a handle of GORM's, with its values, from now on. A
// transaction's handle is that of all transactions.
func Trace(handle *gorm.DB, note func(statement string)) error {
	name := fmt.Sprintf("storetest:%d", traces.Add(1))
	tell := func(g *gorm.DB) { note(g.Explain(g.Statement.SQL.String(), g.Statement.Vars...)) }
	on := handle.Callback()
	for _, register := range []func(string, func(*gorm.DB)) error{
		on.Create().After("gorm:create").Register,
		on.Query().After("gorm:query").Register,
		on.Update().After("gorm:update").Register,
		on.Delete().After("gorm:delete").Register,
		on.Row().After("gorm:row").Register,
		on.Raw().After("gorm:raw").Register,
	} {
		if err := register(name, tell); err != nil {
			return err
		}
	}
	return nil
}
