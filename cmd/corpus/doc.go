// Package corpus holds small repositories, each of which shows one thing that a Python repository
// may bring (testdata/repos), and builds them all with the real program, as a pushed commit and as
// a work tree. It is tests only.
//
// A repository is one archive (golang.org/x/tools/txtar). Its head says what it shows, then what is
// right, one thing a line:
//
//	verdict: failed (install)    the state, and the cause
//	tests: 3                     how many tests the test tool counted, and the sentence of a green one
//	sentence: REGEXP             is found in the verdict's sentence
//	plan: REGEXP                 is found in the plan
//	log: REGEXP                  is found in the log
//	not: REGEXP                  is found nowhere in sentence and log
//	setting: NAME=VALUE          of the operator's, for this repository
//	history: v1.0 -              one commit for each word, and its tag; - is none
//
// A file whose bytes cannot stand in an archive says in brackets how they are made:
// requirements.txt [utf-16]. @INDEX@, @GIT@ and @TINYDEP@ stand for the package index, the git host
// and the SHA-256 of tinydep's wheel.
//
// The last file of an archive, named golden, is what a reader gets to see, with the results of
// its tests. `go test ./cmd/corpus -update` writes it, but only where the head holds: it cannot
// make right what is wrong.
package corpus
