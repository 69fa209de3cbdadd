// Package schema is the JSON Schema of [tool.vivarium], for editors.
package schema

import _ "embed"

// Text is the schema, in JSON (draft 7, which all editors know). docs/vivarium.schema.json is the same.
//
//go:embed vivarium.schema.json
var Text string
