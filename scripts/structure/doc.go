// Package structure holds the rules of the tree that a compiler does not: who may import whom, and
// how large a thing may grow. It is tests only. They read the source itself. Go's test cache does
// not notice when the output of a program such as `go list` changes, so a test by that output would
// go on saying "ok (cached)" after a forbidden import has come in.
package structure
