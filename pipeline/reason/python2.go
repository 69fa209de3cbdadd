package reason

import "regexp"

var (
	// python2Syntax matches what Python 3 says only of code that was written for Python 2.
	python2Syntax = regexp.MustCompile(`SyntaxError: (?:Missing parentheses in call to '(?:print|exec)'|` +
		`multiple exception types must be parenthesized|leading zeros in decimal integer literals)`)
	python2Module = regexp.MustCompile(`No module named '((?:urllib2|urlparse|ConfigParser|Queue|StringIO|` +
		`cStringIO|cPickle|Tkinter|tkMessageBox|ttk|httplib|HTMLParser|Cookie|cookielib|SocketServer|` +
		`BaseHTTPServer|SimpleHTTPServer|` +
		`xmlrpclib|commands|__builtin__|copy_reg|thread|md5|sha|sets|UserDict|anydbm|exceptions|itertools\.izip))'`)
	python2Name = regexp.MustCompile(`NameError: name '((?:raw_input|unicode|xrange|basestring|long|unichr|reduce|` +
		`execfile|file|cmp|reload|raw_unicode))' is not defined`)
	python2Method = regexp.MustCompile(`'dict' object has no attribute '(iteritems|itervalues|iterkeys|has_key)'`)
	python2Import = regexp.MustCompile(`cannot import name '(izip|imap|ifilter|urlencode|quote|urlopen|maketrans)' from ` +
		`'(itertools|urllib|string)'`)
)

// python2 calls Python 2 code so.
func python2(_ *Known, e *Evidence) Why {
	if python2Syntax.MatchString(e.Reason) {
		return Why{"Python 2 code: " + e.Reason, true}
	}
	if m := python2Module.FindStringSubmatch(e.Reason); m != nil {
		return Why{"Python 2 code: Python 3 has no module " + m[1], true}
	}
	if m := python2Name.FindStringSubmatch(e.Reason); m != nil {
		return Why{"Python 2 code: Python 3 has no " + m[1], false}
	}
	if m := python2Method.FindStringSubmatch(e.Reason); m != nil {
		return Why{"Python 2 code: in Python 3 a dict has no " + m[1], false}
	}
	if m := python2Import.FindStringSubmatch(e.Reason); m != nil {
		return Why{"Python 2 code: in Python 3 " + m[2] + " has no " + m[1], true}
	}
	return Why{}
}
