package results

// Tried says what trying the test again showed, where that is more than that it fails.
func (t Test) Tried() string {
	switch {
	case t.Again == Flaky:
		return "flaky: passed when tried again alone"
	case t.Again == Order && t.After != "":
		return "fails only after " + t.After
	case t.Again == Order:
		return "fails only after other tests"
	}
	return ""
}
