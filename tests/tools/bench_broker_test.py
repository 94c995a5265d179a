#!/usr/bin/env python3
"""The parts of tools/do bench broker that need no broker: what it reads of /proc, what it makes of
figures, and that a failed start leaves nothing behind."""

import importlib
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tools/lib/bench_broker"))
page, rows, run, targets = map(importlib.import_module, ("page", "rows", "run", "targets"))


def measured(**of_rows):
    """row_name={"flux": [...], ...}, with - for _."""
    return page.Results({name.replace("_", "-"): sides for name, sides in of_rows.items()})


def verdict_of(results, aim):
    return next(verdict for verdict in page.verdicts(results) if aim in verdict.aim)


class ProcTest(unittest.TestCase):
    def test_a_process_may_have_any_name(self):
        fields = ["S", *"123456789", "0", "250", "150", *"345678", "900", "1"]
        cpu, began = targets.parse_stat(f"42 (a ) R b) {' '.join(fields)}")
        self.assertEqual(400 / targets.TICK, cpu)
        self.assertEqual(900 / targets.TICK, began)

    def test_memory_now_and_at_most(self):
        text = "Name:\tfluxd\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n"
        self.assertEqual((1 << 20, 2 << 20), targets.parse_memory(text))

    def test_what_the_kernel_says_of_us_can_be_read(self):
        cpu, began = targets.parse_stat(Path("/proc/self/stat").read_text())
        self.assertGreaterEqual(cpu, 0)
        self.assertLess(began, targets.boot_seconds())
        self.assertGreater(targets.parse_memory(Path("/proc/self/status").read_text())[0], 0)


class FiguresTest(unittest.TestCase):
    def test_a_cell_is_the_median_and_both_ends(self):
        rate = page.Figure("produce-1k", "per_second", "", "K/s", 1, 1e-3)
        self.assertEqual("2.0 (1.0-9.0)", page.shown([9000, 1000, 2000], rate))
        self.assertEqual("2.0", page.shown([2000], rate))
        self.assertEqual("-", page.shown([], rate))

    def test_ratios_are_of_medians(self):
        results = measured(unbatched_64={"flux": [{"per_second": v} for v in (10, 50, 60)],
                                         "kafka": [{"per_second": v} for v in (5, 10, 100)]})
        self.assertEqual(5, results.ratio("unbatched-64", "per_second"))
        self.assertIsNone(results.ratio("unbatched-64", "per_second", "mock"))

    def test_every_row_of_the_table_names_both_durabilities(self):
        for row in (rows.BY_NAME[figure.row] for figure in page.FIGURES):
            if row.stage == rows.LOADED and row.name != "memory":
                self.assertIn(row.durability, targets.DURABILITY, row.name)
                self.assertEqual(targets.DURABILITY.keys(), targets.TOPIC_SETTINGS.keys())
        self.assertEqual("fsync; fsync", page.durability_cell(rows.BY_NAME["fsync-ack"]))

    def test_a_table_has_only_what_was_measured(self):
        results = measured(ack_1000={"flux": [{"p50_us": 60.4, "p99_us": 100, "cpu": 20,
                                               "stolen": 0.02}]})
        lines = page.table(results).splitlines()
        self.assertEqual(4, len(lines))
        self.assertIn("| 60 | - | - |", lines[2])
        self.assertIn("20.00, - s/M", lines[2])
        self.assertIn("| 2% - - |", lines[2])
        self.assertEqual(1, len({line.count("|") for line in lines}))


class AimsTest(unittest.TestCase):
    def test_an_aim_is_met_at_its_limit_and_short_beyond(self):
        for value, met in ((100, True), (100.1, False)):
            results = measured(cold_start={"flux": [{"ms": value}], "kafka": [{"ms": 3000}]})
            self.assertEqual(met, verdict_of(results, "cold start").met)

    def test_produce_is_judged_by_the_easier_of_two(self):
        for kafka, ceiling, met in ((500, 2000, True), (600, 1100, True), (600, 2000, False)):
            results = measured(produce_1k={"flux": [{"per_second": 1000}],
                                           "kafka": [{"per_second": kafka}],
                                           "mock": [{"per_second": ceiling}]})
            self.assertEqual(met, verdict_of(results, "produce 1 KB: at least").met)

    def test_a_sync_is_allowed_its_own_time(self):
        for p50, met in ((150, True), (151, False)):
            results = measured(fsync_ack={"flux": [{"p50_us": p50, "fdatasync_us": 60}],
                                          "mock": [{"p50_us": 60}]})
            self.assertEqual(met, verdict_of(results, "with fsync: at most one").met)

    def test_what_was_not_measured_is_not_judged(self):
        self.assertEqual([], page.verdicts(measured()))
        without_kafka = measured(fetch={"flux": [{"per_second": 1, "cpu": 1}]})
        self.assertEqual([], page.verdicts(without_kafka))

    def test_the_document_shows_table_and_aims(self):
        results = measured(idle={"flux": [{"rss_mb": 30, "cpu_percent": 0.1}]})
        text = page.document(results, 3, "a machine", "4.3.1")
        self.assertIn("| memory, idle: at most 24 MiB | 30.0 MiB | **short** |", text)
        self.assertIn("| idle: at most 0.3 % of a core | 0.10 % | met |", text)
        self.assertIn("Apache Kafka 4.3.1", text)
        self.assertNotIn("{", text)


class OptionsTest(unittest.TestCase):
    NEEDED = ["--fluxd", "f", "--programs", "p", "--document", "d"]

    def test_only_a_whole_run_writes_the_document(self):
        self.assertTrue(run.parse(self.NEEDED).whole)
        for few in (["--only", "idle"], ["--without-kafka"], ["--seconds", "1"]):
            self.assertFalse(run.parse([*self.NEEDED, *few]).whole)

    def test_an_unknown_row_is_refused_with_those_there_are(self):
        with mock.patch("sys.stderr") as stderr, self.assertRaises(SystemExit):
            run.parse([*self.NEEDED, "--only", "idle,nothing"])
        said = "".join(call.args[0] for call in stderr.write.call_args_list)
        self.assertIn("no row nothing", said)
        self.assertIn("produce-1k", said)

    def test_memory_alone_loads_first(self):
        self.assertIn("produce-1k", run.parse([*self.NEEDED, "--only", "memory"]).only)


class BrokerTest(unittest.TestCase):
    """A broker that does not start is named, and nothing of it stays."""

    def test_a_failed_start_ends_what_it_began(self):
        with tempfile.TemporaryDirectory(prefix="flux-bench-") as folder:
            programs = Path(folder)
            (programs / "raw_load").write_text("#!/bin/sh\nexit 1\n")
            (programs / "daemon").write_text("#!/bin/sh\nexec sleep 600\n")
            for name in ("raw_load", "daemon"):
                (programs / name).chmod(0o755)
            broker = targets.Fluxd(programs, programs / "broker", programs / "daemon")
            with self.assertRaises(targets.Failure), broker:
                self.fail("it is said to have started")
            self.assertIsNotNone(broker.process.returncode)
            with self.assertRaises(ProcessLookupError):
                os.kill(broker.pid, 0)


if __name__ == "__main__":
    unittest.main()
