# What follows runs in a namespace of its own, so that the tests find __main__ empty.
import sys

del sys.path[0]  # the repository: until the modules are there that it may have namesakes of
space = {"__name__": "__vivarium__", "sys": sys, "later": [later]}
exec(compile(source, "<vivarium>", "exec"), space)
space["main_" + sys.argv.pop(1)]()
