package testreport

// Either reads the reports of unittest and of pytest in one stream. The zero value is ready.
type Either struct {
	unittest Unittest
	pytest   Pytest
}

// Write takes the next piece of output. It never fails.
func (s *Either) Write(p []byte) (int, error) {
	s.unittest.Write(p)
	return s.pytest.Write(p)
}

// Report is the last report of each seen so far, together.
func (s *Either) Report() Report { return s.unittest.Report().Add(s.pytest.Report()) }
