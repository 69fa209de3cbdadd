package main

import "vivarium/pipeline/termtext"

// oneLine shows a stranger's words within one line of ours.
func oneLine(s string) string { return termtext.OneLine(s) }
