package images

import "slices"

// basePackages are what a bootstrapped base holds for each build.
var basePackages = []string{"python3", "python3-venv", "python3-pip", "git", "ca-certificates", "flake8"}

// commonPackages are what people's tests take for granted: they are on most machines, and on
// GitHub's runners. A slim image does without. tools.sh finds out which of them a base lacks.
var commonPackages = []string{
	"python3-tk", "python3-gdbm", "python3-distutils", "python3-lib2to3",
	"gcc", "libc6-dev", "libpython3-dev", "make",
	"procps", "curl", "unzip", "file", "locales", "tzdata",
}

func packages(slim bool) []string {
	if slim {
		return basePackages
	}
	return slices.Concat(basePackages, commonPackages)
}

// leftOut is dpkg's configuration of what these packages hold and no build needs, 127 MB of 522.
// The last line that matches a path counts.
var leftOut = []string{
	"path-exclude=/usr/share/man/*",
	"path-exclude=/usr/share/doc/*",
	"path-exclude=/usr/share/locale/*",
	// Of the sources of locales, those that en_US.UTF-8 is made of stay.
	"path-exclude=/usr/share/i18n/*/*",
	"path-include=/usr/share/i18n/charmaps/UTF-8.gz",
	"path-include=/usr/share/i18n/locales/en_*",
	"path-include=/usr/share/i18n/locales/i18n*",
	"path-include=/usr/share/i18n/locales/iso14651_t1*",
	"path-include=/usr/share/i18n/locales/translit_*",
	// Python to link into another program; an extension is linked against none.
	"path-exclude=/usr/lib/python3*/config-*/*.a",
	// A compiler's sanitizers, and a viewer of its own files.
	"path-exclude=/usr/lib/*/libasan.*", "path-exclude=/usr/lib/gcc/*/libasan*",
	"path-exclude=/usr/lib/*/libtsan.*", "path-exclude=/usr/lib/gcc/*/libtsan*",
	"path-exclude=/usr/lib/*/liblsan.*", "path-exclude=/usr/lib/gcc/*/liblsan*",
	"path-exclude=/usr/lib/*/libubsan.*", "path-exclude=/usr/lib/gcc/*/libubsan*",
	"path-exclude=/usr/bin/*-lto-dump-*",
}
