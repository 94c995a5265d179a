#!/usr/bin/env python3
"""The seed inputs of the fuzzers are those that their programs write today: an input names its
message by its place in the schema, so each new message moves those behind it."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

FUZZ = pathlib.Path(__file__).resolve().parents[1] / "fuzz"


class CorporaTest(unittest.TestCase):
    def test_they_are_as_they_would_be_written(self):
        with tempfile.TemporaryDirectory() as folder:
            for program in ("make_corpus.py", "wire/make_corpus.py"):
                subprocess.run([sys.executable, FUZZ / program, folder], check=True)
            made = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
            self.assertGreater(len(made), 200)
            for path in made:
                kept = FUZZ / path.relative_to(folder)
                self.assertTrue(kept.exists() and kept.read_bytes() == path.read_bytes(),
                                f"{kept} is stale: run tests/fuzz/make_corpus.py and "
                                "tests/fuzz/wire/make_corpus.py")


if __name__ == "__main__":
    unittest.main()
