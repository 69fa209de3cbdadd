package reason

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"vivarium/pipeline/python/requirement"
)

var (
	noModule = regexp.MustCompile(`No module named '([\w.]+)'`)
	// hidden is what Python says where a file of the repository stands in for the module that was
	// meant.
	hidden = regexp.MustCompile(`(?:partially initialized module|module|from partially initialized module|from|named) ` +
		`'(\w+)(?:\.[\w.]+)?'(?: has no attribute|; '\w+' is not a package| \()`)
	noName = regexp.MustCompile(`cannot import name '\w+' from (?:partially initialized module )?'(\w+)`)
)

// hides names a file of the repository that has the name of one of Python's own modules.
func hides(k *Known, e *Evidence) Why {
	name := ""
	if m := hidden.FindStringSubmatch(e.Reason); m != nil {
		name = m[1]
	} else if m := noName.FindStringSubmatch(e.Reason); m != nil {
		name = m[1]
	}
	if name == "" || !slices.Contains(standard, name) {
		return Why{}
	}
	for _, file := range []string{name + ".py", name + "/__init__.py"} {
		at := path.Join(k.Dir, file)
		if !k.has(at) {
			at = k.elsewhere(file)
		}
		if at != "" && strings.Contains(e.all(), at) {
			at = strings.TrimSuffix(at, "/__init__.py")
			return Why{fmt.Sprintf("%s hides Python's own module %s: rename it", at, name), true}
		}
	}
	return Why{}
}

// module says of a module that cannot be imported where it is declared, or what to do.
func module(k *Known, e *Evidence) Why {
	name := ""
	if m := noModule.FindStringSubmatch(e.Reason); m != nil {
		name = m[1]
	} else if !strings.HasPrefix(e.Reason, "ImportError") {
		return Why{}
	} else if name = e.asked("module"); name == "" {
		return Why{}
	}
	return Why{"No module named '" + name + "': " + k.whence(name), true}
}

// whence says where a module could come from.
func (k *Known) whence(name string) string {
	top, rest, _ := strings.Cut(name, ".")
	if said := k.ours(name, top, rest); said != "" {
		return said
	}
	if with := removed[top]; with != "" {
		return "Python " + with + " took it out"
	}
	if slices.Contains(standard, strings.TrimPrefix(top, "_")) {
		return "the Python of image " + k.Image + " comes without it"
	}
	project := packageOf(top)
	as := name
	if !strings.EqualFold(project, top) && requirement.Normalize(project) != requirement.Normalize(top) {
		as = project
	}
	file := k.Installs
	if file == "" {
		file = "requirements.txt"
	}
	switch n := requirement.Normalize(project); {
	case slices.Contains(k.LeftOut, n):
		return "the index lacks " + project + ", which was left out"
	case k.Wanted[n] && rest != "":
		return "the installed " + project + " has no such module: another version may"
	case k.Wanted[n]:
		return project + " is installed, and does not bring it"
	case k.Declared[n] != "" && k.Installs != "":
		return fmt.Sprintf("%s declares it, and only %s is installed: add it there", k.Declared[n], k.Installs)
	case k.Declared[n] != "":
		return k.Declared[n] + " declares it, which is not installed: add it to " + file
	case as != name:
		return "add " + as + " to " + file
	}
	return "add it to " + file
}

// ours says why a module of the repository's own is not found; empty where it is none.
func (k *Known) ours(name, top, rest string) string {
	file := path.Join(k.Dir, strings.ReplaceAll(name, ".", "/"))
	if by := k.ignoredBy(file + ".py"); by != "" {
		return path.Base(file) + ".py is not in the repository: " + by + " leaves it out"
	}
	if folder := path.Join(k.Dir, top); k.has(folder) && rest != "" {
		return file + ".py is not in the repository"
	}
	for _, form := range []string{top + ".py", top + "/__init__.py"} {
		if at := k.elsewhere(form); at != "" {
			at = strings.TrimSuffix(at, "/__init__.py")
			return fmt.Sprintf("it is %s, and %s is not on Python's path", at, path.Dir(at))
		}
	}
	return ""
}

// packageOf is the project that brings a module, where that has another name.
func packageOf(module string) string {
	if project := projects[module]; project != "" {
		return project
	}
	return module
}

// projects are well-known modules whose projects have other names.
var projects = map[string]string{
	"yaml": "PyYAML", "cv2": "opencv-python", "PIL": "Pillow", "bs4": "beautifulsoup4", "sklearn": "scikit-learn",
	"skimage": "scikit-image", "dateutil": "python-dateutil", "dotenv": "python-dotenv", "jwt": "PyJWT",
	"MySQLdb": "mysqlclient", "attr": "attrs", "serial": "pyserial", "Crypto": "pycryptodome", "OpenSSL": "pyOpenSSL",
	"git": "GitPython", "github": "PyGithub", "telegram": "python-telegram-bot", "discord": "discord.py",
	"docx": "python-docx", "pptx": "python-pptx", "usb": "pyusb", "magic": "python-magic", "slugify": "python-slugify",
	"jose": "python-jose", "multipart": "python-multipart", "google": "google-api-python-client", "zmq": "pyzmq",
	"rest_framework": "djangorestframework", "corsheaders": "django-cors-headers", "flask_sqlalchemy": "Flask-SQLAlchemy",
	"fitz": "PyMuPDF", "psycopg2": "psycopg2-binary", "Xlib": "python-xlib", "win32api": "pywin32", "wx": "wxPython",
	"ldap": "python-ldap", "nacl": "PyNaCl", "pkg_resources": "setuptools", "distutils": "setuptools",
	"mpl_toolkits": "matplotlib", "pylab": "matplotlib", "socks": "PySocks", "websocket": "websocket-client",
}
