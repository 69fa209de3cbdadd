package reason

import "strings"

// standard are the modules of the standard library (sys.stdlib_module_names of Python 3.11).
var standard = strings.Fields(`
abc aifc argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb binascii bisect builtins bz2
cProfile calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys compileall concurrent
configparser contextlib contextvars copy copyreg crypt csv ctypes curses dataclasses datetime dbm decimal
difflib dis distutils doctest email encodings ensurepip enum errno faulthandler fcntl filecmp fileinput
fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq
hmac html http idlelib imaplib imghdr imp importlib inspect io ipaddress itertools json keyword lib2to3
linecache locale logging lzma mailbox mailcap marshal math mimetypes mmap modulefinder multiprocessing netrc
nis nntplib ntpath nturl2path numbers opcode operator optparse os ossaudiodev pathlib pdb pickle pickletools
pipes pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc
pydoc_data pyexpat queue quopri random re readline reprlib resource rlcompleter runpy sched secrets select
selectors shelve shlex shutil signal site smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile
sre_constants sre_parse ssl stat statistics string stringprep struct subprocess sunau symtable sys sysconfig
syslog tabnanny tarfile telnetlib tempfile termios textwrap threading time timeit tkinter token tokenize
tomllib trace traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib uu uuid
venv warnings wave weakref webbrowser wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo`)

// removed are modules that later releases of Python have no more, with the release that took them
// out (PEP 594, PEP 632).
var removed = map[string]string{
	"distutils":   "3.12",
	"imp":         "3.12",
	"asynchat":    "3.12",
	"asyncore":    "3.12",
	"smtpd":       "3.12",
	"aifc":        "3.13",
	"audioop":     "3.13",
	"cgi":         "3.13",
	"cgitb":       "3.13",
	"chunk":       "3.13",
	"crypt":       "3.13",
	"imghdr":      "3.13",
	"lib2to3":     "3.13",
	"mailcap":     "3.13",
	"msilib":      "3.13",
	"nis":         "3.13",
	"nntplib":     "3.13",
	"ossaudiodev": "3.13",
	"pipes":       "3.13",
	"sndhdr":      "3.13",
	"spwd":        "3.13",
	"sunau":       "3.13",
	"telnetlib":   "3.13",
	"uu":          "3.13",
	"xdrlib":      "3.13",
}
