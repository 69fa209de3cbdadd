"""What an ordinary test suite does: computes, starts programs, writes files, asks a database, prints."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest


class Ordinary(unittest.TestCase):
    def test_computes(self):
        data = bytes(1 << 20)
        for _ in range(ROUNDS):
            data = hashlib.sha256(data).digest() * (1 << 15)
        self.assertEqual(len(data), 1 << 20)

    def test_starts_programs(self):
        for _ in range(20):
            self.assertEqual(subprocess.run([sys.executable, "-S", "-c", "print(6 * 7)"], capture_output=True).stdout, b"42\n")

    def test_writes_files(self):
        with tempfile.TemporaryDirectory() as folder:
            for n in range(500):
                with open(os.path.join(folder, str(n)), "w") as f:
                    f.write("text" * 1000)

    def test_asks_a_database(self):
        with sqlite3.connect(":memory:") as db:
            db.execute("create table t (n integer)")
            db.executemany("insert into t values (?)", ((n,) for n in range(20000)))
            self.assertEqual(db.execute("select count(*) from t").fetchone(), (20000,))

    def test_prints(self):
        for n in range(2000):
            print("line", n, "of an ordinary log")


ROUNDS = 400
