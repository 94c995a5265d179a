#!/usr/bin/env python3
"""Runs parts of tools/do: a wrong count or a swallowed failure there would hide every other one."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

CTEST = """<testsuite>
<testcase name="unit_a" status="run"/>
<testcase name="unit_b" status="fail"/>
<testcase name="unit_died" status="fail"/>
<testcase name="unit_leaked" status="fail"/>
<testcase name="link.a" status="run"/>
<testcase name="purity.a" status="fail"/>
<testcase name="later" status="disabled"/>
</testsuite>"""

ALL_PASS = '<testsuites><testcase status="run"/><testcase status="run"/></testsuites>'
ONE_FAILS = ('<testsuites><testcase status="run"/><testcase status="run"><failure/></testcase>'
             '<testcase status="notrun"/></testsuites>')


class DoTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="flux-do-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def run_do(self, *arguments):
        return subprocess.run([REPOSITORY / "tools/do", *arguments], capture_output=True, text=True)

    def run_steps(self, script):
        """Runs bash with the steps and the counting of tools/do, and a root of its own."""
        script = (f"set -euo pipefail\nroot={self.folder}\n"
                  + "".join(f"source {REPOSITORY}/tools/lib/{part}.sh\n"
                            for part in ("steps", "setup", "build", "test")) + script)
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True)

    def test_cases_are_counted_and_not_programs(self):
        (self.folder / "ctest.xml").write_text(CTEST)
        (self.folder / "unit_a.xml").write_text(ALL_PASS)
        (self.folder / "unit_b.xml").write_text(ONE_FAILS)
        (self.folder / "unit_leaked.xml").write_text(ALL_PASS)
        result = subprocess.run([REPOSITORY / "tools/lib/count_tests.py",
                                 self.folder / "ctest.xml", self.folder],
                                capture_output=True, text=True, check=True)
        # Passed: two of a, one of b, one of leaked, link. Failed: b, died, leaked, purity.
        self.assertEqual("5 passed, 4 failed\n", result.stdout)

    def test_a_run_without_a_report_is_a_failure(self):
        result = subprocess.run([REPOSITORY / "tools/lib/count_tests.py",
                                 self.folder / "none.xml", self.folder],
                                capture_output=True, text=True, check=True)
        self.assertEqual("0 passed, 1 failed\n", result.stdout)

    def test_a_failing_step_names_its_log_and_the_rest_still_runs(self):
        result = self.run_steps("""
            counted_step first bash -c 'echo "the reason"; exit 3'
            counted_step second bash -c 'echo "7 passed, 0 failed"'
            counted_step third bash -c 'echo "2 passed, 0 failed"; exit 1'
            counted_step fourth true
            say "$passed $failed ${failed_steps[*]}"
            """)
        self.assertIn("FAILED with status 3", result.stdout)
        self.assertIn("build/logs/first.log", result.stdout)
        self.assertIn("| the reason", result.stdout)
        self.assertEqual("10 2 first third", result.stdout.splitlines()[-1])

    def test_a_failing_configuration_does_not_go_on_to_build(self):
        result = self.run_steps("""
            cmake() { echo "cmake $*"; return 1; }
            build_preset build dev || cat "$log_dir/build.log"
            """)
        self.assertIn("cmake --preset dev", result.stdout)
        self.assertNotIn("cmake --build", result.stdout)

    def test_a_step_that_must_pass_ends_the_run(self):
        result = self.run_steps("must first false\nsay unreachable")
        self.assertEqual(1, result.returncode)
        self.assertNotIn("unreachable", result.stdout)
        self.assertIn("first.log", result.stderr)

    def test_only_missing_packages_are_named(self):
        (self.folder / "tools/lib").mkdir(parents=True)
        (self.folder / "tools/lib/packages.txt").write_text("# tools\nno-such-package\nbash\n")
        self.assertEqual("no-such-package\n", self.run_steps("missing_packages").stdout)

    def test_commands(self):
        help_text = self.run_do("help")
        self.assertEqual(0, help_text.returncode)
        named = ("setup build test demo up down bench package gate interop zoo fuzz "
                 "mutate chaos lint format clean help")
        for command in named.split():
            self.assertRegex(help_text.stdout, rf"(?m)^  (\w+, )?{command}\b")
        self.assertEqual(2, self.run_do("no-such-command").returncode)

    def test_what_has_tests_has_a_command(self):
        for command in ("interop", "zoo", "fuzz", "mutate", "chaos"):
            self.assertTrue(os.access(REPOSITORY / "tools" / command, os.X_OK), command)
        # tools/fuzz runs what flux_fuzz names.
        for listed in (REPOSITORY / "tests/fuzz").glob("*/CMakeLists.txt"):
            self.assertIn("flux_fuzz(", listed.read_text())
        bad = subprocess.run([REPOSITORY / "tools/fuzz", "soon"], capture_output=True, text=True)
        self.assertEqual(1, bad.returncode)
        self.assertIn("a number of seconds", bad.stderr)

    def test_chaos_names_its_parts(self):
        bad = subprocess.run([REPOSITORY / "tools/chaos", "softly"], capture_output=True,
                             text=True)
        self.assertEqual(1, bad.returncode)
        self.assertIn("power-cut, planted, kill-nine", bad.stderr)

    def test_commands_to_come_say_so(self):
        for command in ("demo", "up", "down", "bench", "gate", "interop", "zoo", "fuzz"):
            if not os.access(REPOSITORY / "tools" / command, os.X_OK):
                result = self.run_do(command)
                self.assertEqual(2, result.returncode)
                self.assertTrue(re.search("not part of Flux yet", result.stderr), result.stderr)


if __name__ == "__main__":
    unittest.main()
