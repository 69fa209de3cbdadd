import time
import unittest

from hello import greet, spell


class GreetTest(unittest.TestCase):
    def test_greets_by_name(self):
        self.assertEqual(greet("Ada"), "Hello, Ada!")

    def test_greets_everybody_without_a_name(self):
        self.assertEqual(greet(""), "Hello, world!")

    def test_ignores_spare_white_space(self):
        self.assertEqual(greet("  Ada   Lovelace\n"), "Hello, Ada Lovelace!")


class SpellTest(unittest.TestCase):
    def test_takes_its_time(self):
        """Takes 0.3 s and prints as it goes, so that a live log can be seen to live."""
        start = time.monotonic()
        letters = []
        for letter in spell("hello", pause=0.06):
            print("spelling", letter)
            letters.append(letter)
        self.assertEqual("".join(letters), "hello")
        self.assertGreaterEqual(time.monotonic() - start, 0.3)


if __name__ == "__main__":
    unittest.main()
