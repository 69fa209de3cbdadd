// Package structure holds the rules of the tree that a compiler does not: who may import whom, and
// how large a thing may grow. It is tests only. They read the source itself: what a program such as
// `go list` prints is no input that Go's test cache knows of, so that a test by it would go on saying
// "ok (cached)" after a forbidden import has come in.
package structure
