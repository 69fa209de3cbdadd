package findings

// Either reads the failures of unittest and of pytest in one stream.
type Either struct {
	Unittest *Unittest
	Pytest   *Pytest
}

// Write takes the next piece of output. It never fails.
func (e *Either) Write(p []byte) (int, error) {
	e.Unittest.Write(p)
	return e.Pytest.Write(p)
}

// List is what was read so far, unittest's first.
func (e *Either) List() List {
	var l List
	l.Append(e.Unittest.List())
	l.Append(e.Pytest.List())
	return l
}
