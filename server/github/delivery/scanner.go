package delivery

// scanner goes through a JSON text once, keeps nothing of it and allocates nothing. It finds where
// values begin and end in any input, and does not check whether all of it is JSON.
type scanner struct {
	text []byte
	at   int
}

// next skips white space and returns the byte that follows; 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// members calls each with the name, as written, of every member of the next value, an object. each
// reads the member's value; done ends the iteration.
func (s *scanner) members(each func(name []byte) (done bool, err error)) error {
	s.at++ // the bracket
	for n := 0; ; n++ {
		switch c := s.next(); {
		case c == '}':
			s.at++
			return nil
		case c == ',' && n > 0:
			s.at++
		case c == 0:
			return errCutShort
		case n > 0:
			return errNoObject
		}
		if n == maxMembers {
			return errTooMany
		}
		if s.next() != '"' {
			return errNoObject
		}
		name, err := s.value()
		if err != nil {
			return err
		}
		if s.next() != ':' {
			return errNoObject
		}
		s.at++
		if done, err := each(name); done || err != nil {
			return err
		}
	}
}

// skip skips the next value.
func (s *scanner) skip() error {
	_, err := s.value()
	return err
}

// value returns the next value as written.
func (s *scanner) value() ([]byte, error) {
	c := s.next()
	from := s.at
	var err error
	switch c {
	case '"':
		err = s.quoted()
	case '{', '[':
		err = s.nested()
	default:
		err = s.bare()
	}
	return s.text[from:s.at], err
}

// quoted skips a text, from its first quotation mark to its last.
func (s *scanner) quoted() error {
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '"':
			s.at++
			return nil
		case '\\':
			s.at++
		}
	}
	s.at = len(s.text)
	return errCutShort
}

// nested skips an object or a list, with everything in it.
func (s *scanner) nested() error {
	for depth := 0; s.at < len(s.text); {
		switch s.text[s.at] {
		case '"':
			if err := s.quoted(); err != nil {
				return err
			}
			continue
		case '{', '[':
			if depth++; depth == maxDepth { // counted from within the payload
				return errTooDeep
			}
		case '}', ']':
			depth--
		}
		if s.at++; depth == 0 {
			return nil
		}
	}
	return errCutShort
}

// bare skips a number or a word.
func (s *scanner) bare() error {
	from := s.at
	for ; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case ',', '}', ']', ':', '"', '{', '[', ' ', '\t', '\r', '\n':
			if s.at == from {
				return errNoObject
			}
			return nil
		}
	}
	return errCutShort
}
