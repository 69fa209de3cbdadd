package corpus

import (
	"strings"

	"vivarium/sandbox/egress/egresstest"
)

// failingPackages cannot be installed, each for another reason, or want something that cannot.
func failingPackages() []egresstest.File {
	wheel := func(name, version string, requires ...string) egresstest.File {
		module := strings.ReplaceAll(name, "-", "_") + ".py"
		return egresstest.Wheel(name, version, map[string]string{module: "VALUE = 1\n"}, requires...)
	}
	later := func(f egresstest.File) egresstest.File {
		f.RequiresPython = ">=3.99"
		return f
	}
	foreign := wheel("windep", "1.0")
	foreign.Name = strings.Replace(foreign.Name, "py3-none-any", "cp311-cp311-win_amd64", 1)
	return []egresstest.File{
		foreign,
		later(wheel("futuredep", "3.0")),
		wheel("movingdep", "1.0"), later(wheel("movingdep", "2.0")),
		wheel("wantsmissing", "1.0", "tinydep>=7"),
		wheel("wantsturn", "1.0", "turndep>=2"),
		wheel("wantsold", "1.0", "olddep"),
		egresstest.Sdist("olddep", "1.0", map[string]string{"setup.py": "print 'olddep'\n"}),
		egresstest.Sdist("fastdep", "1.0", map[string]string{
			"fast.c": "#include <nothere/api.h>\n",
			"setup.py": "from setuptools import Extension, setup\n\n" +
				"setup(name='fastdep', version='1.0', py_modules=[], ext_modules=[Extension('fast', ['fast.c'])])\n",
		}),
		egresstest.Sdist("backenddep", "1.0", map[string]string{
			"pyproject.toml": "[build-system]\nrequires = ['nowhere-to-be-had']\nbuild-backend = 'nowhere'\n",
		}),
	}
}
