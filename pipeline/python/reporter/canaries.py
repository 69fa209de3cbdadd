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


class Watch:
    """What became of the canaries, as the result class sees it."""

    def __init__(self, unittest):
        self.tests = canaries(unittest)
        self.seen = ([], [])

    def is_canary(self, test):
        return test is self.tests[0] or test is self.tests[1]

    def note(self, test, outcome):
        self.seen[1 if test is self.tests[1] else 0].append(outcome)

    def run(self, unittest, result):
        """Runs them into the result, which is as it was afterwards. Returns what became of the two."""
        kept = dict(vars(result))
        lists = {n: len(v) for n, v in kept.items() if isinstance(v, list)}
        try:
            result.stream = Silence()
            result.buffer = result.failfast = result.shouldStop = False
            failures, ran = len(result.failures), result.testsRun
            unittest.TestSuite(self.tests)(result)
            if len(result.failures) != failures + 1 or result.testsRun != ran + 2:
                self.seen[1].append("not counted")
        finally:
            vars(result).clear()
            vars(result).update(kept)
            for name, length in lists.items():
                del getattr(result, name)[length:]
        return [seen[0] if len(seen) == 1 else "+".join(seen) or "not run" for seen in self.seen]


class Silence:
    def write(self, text=None):
        pass

    flush = writeln = write
