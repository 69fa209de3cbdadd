# Two tests of ours, one that passes and one that must fail, run after the repository's by the same
# unittest and into the same result. Whoever has bent unittest, so that failures pass, bends them too.


def canaries(unittest):
    class Canary(unittest.TestCase):
        def test_passes(self):
            self.assertEqual(1, 1)
            self.assertTrue(True)
            with self.assertRaises(ZeroDivisionError):
                1 / 0

        def test_fails(self):
            must_fail = [
                lambda: self.assertEqual(1, 2),
                lambda: self.assertTrue(False),
                lambda: self.assertFalse(True),
                lambda: self.assertIn(1, []),
                lambda: self.assertIsNone(1),
                lambda: self.assertRaises(KeyError, lambda: None),
            ]
            for check in must_fail:
                try:
                    check()
                except self.failureException:
                    continue
                return
            self.fail("as it must")

    Canary.__module__ = "__vivarium__"  # of which there is none, so that no setUpModule is looked for
    return Canary("test_passes"), Canary("test_fails")


def watched(unittest, base, result):
    """Runs them into the result, which is as it was afterwards. Returns what became of the two."""
    tests = canaries(unittest)
    seen = ([], [])

    def note(test, outcome):
        seen[1 if test is tests[1] else 0].append(outcome)

    class Result(base):
        def addSuccess(self, test):
            super().addSuccess(test)
            note(test, "passed")

        def addFailure(self, test, err):
            super().addFailure(test, err)
            note(test, "failed")

        def addError(self, test, err):
            super().addError(test, err)
            note(test, "error")

        def addSkip(self, test, reason):
            super().addSkip(test, reason)
            note(test, "skipped")

    kept, cls = dict(vars(result)), result.__class__
    lists = {n: len(v) for n, v in kept.items() if isinstance(v, list)}
    try:
        result.__class__ = Result
        result.stream = Silence()
        result._previousTestClass = None  # else its tearDownClass were called once more
        result.buffer = result.failfast = result.shouldStop = False
        failures, ran = len(result.failures), result.testsRun
        unittest.TestSuite(tests)(result)
        if len(result.failures) != failures + 1 or result.testsRun != ran + 2:
            note(tests[1], "not counted")
    finally:
        result.__class__ = cls
        vars(result).clear()
        vars(result).update(kept)
        for name, length in lists.items():
            del getattr(result, name)[length:]
    return ["+".join(outcomes) or "not run" for outcomes in seen]


class Silence:
    def write(self, text=None):
        pass

    flush = writeln = write
