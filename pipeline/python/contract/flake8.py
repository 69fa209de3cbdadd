# Runs flake8 with the arguments after this program, so that all versions of it check the same:
# type comments are not names (pyflakes 3 dropped them), a file that flake8 cannot cope with is a
# problem of that file, and what "# noqa" passes over is counted.
import os
import signal
import sys

import flake8
import pyflakes
import pyflakes.checker
from flake8 import checker, style_guide
from flake8.main import cli

SECONDS = 60  # for one file


class TooLong(Exception):
    pass


def too_long(signum, frame):
    raise TooLong("it took longer than %d s" % SECONDS)


def tell(line):
    os.write(2, (line + "\n").encode("utf-8", "backslashreplace"))


def not_source(path):
    """Says why a file is no Python source, by its bytes; empty when it may be."""
    try:
        with open(path, "rb") as f:
            data = f.read()
    except OSError:
        return ""
    if data.startswith(b"\0GITCRYPT\0"):
        return "the file is encrypted by git-crypt: a build has no key"
    if b"\0" in data:
        return "the file is binary (it holds null bytes), or text in UTF-16: Python cannot read it"
    return ""


run_checks = checker.FileChecker.run_checks


def run_checks_bounded(self, *args, **kwargs):
    problem = not_source(self.filename) if self.should_process else ""
    signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        if not problem:
            return run_checks(self, *args, **kwargs)
    except Exception as e:
        e = getattr(e, "original_exception", e)
        problem = "flake8 itself failed on this file: %s: %s" % (type(e).__name__, e)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    self.results.append(("E902", 1, 0, problem.replace("\n", " "), ""))
    return self.display_name, self.results, self.statistics


make_processor = checker.FileChecker._make_processor


def make_processor_of_files(self):
    if os.path.islink(self.filename) and not os.path.exists(self.filename):
        return None  # what the link leads to is not in the checkout
    processor = make_processor(self)
    if processor is not None and processor.should_ignore_file():
        tell("%s: not checked, by # flake8: noqa" % self.filename)
    return processor


handle_error = style_guide.StyleGuideManager.handle_error
passed_over = 0


def handle_error_counted(self, code, filename, *args, **kwargs):
    global passed_over
    reported = handle_error(self, code, filename, *args, **kwargs)
    guide = self.style_guide_for(filename)
    if not reported and guide.should_report_error(code) is style_guide.Decision.Selected:
        passed_over += 1
    return reported


if hasattr(pyflakes.checker, "_collect_type_comments"):
    pyflakes.checker._collect_type_comments = lambda tree, tokens: {}
checker.FileChecker.run_checks = run_checks_bounded
checker.FileChecker._make_processor = make_processor_of_files
style_guide.StyleGuideManager.handle_error = handle_error_counted

tell("flake8 %s, pyflakes %s, Python %s" % (flake8.__version__, pyflakes.__version__, sys.version.split()[0]))
status = 0
try:
    status = cli.main(sys.argv[1:])
except SystemExit as e:  # of an older flake8
    status = e.code
if passed_over:
    tell("passed over by # noqa: %d" % passed_over)
sys.exit(status)
