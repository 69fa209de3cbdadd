# Runs a Python program that runs unittest in a way of its own, such as Django's manage.py.


def main_script():
    records = Records("script")
    import unittest
    import runpy

    run = unittest.TextTestRunner.run
    inside = []

    def reported(self, test):
        if inside or not isinstance(self.resultclass or unittest.TextTestResult, type):
            return run(self, test)
        inside.append(True)
        try:
            return run_reported(run, self, test, records, unittest)
        finally:
            inside.pop()

    reported.__module__ = run.__module__
    unittest.TextTestRunner.run = reported
    program = sys.argv[1]
    del sys.argv[0]
    sys.path.insert(0, (records.root + "/" + program).rpartition("/")[0])  # as the program itself has it
    runpy.run_path(program, run_name="__main__")
