"""Measures fluxd beside Apache Kafka and beside what the client itself can reach.

Each round starts both brokers with fresh data and measures every row on one, then on the other,
then on librdkafka's in-process broker. A run of all rows at the usual length writes the document;
any other only prints.
"""

import argparse
import contextlib
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import page
import rows
from page_cache import FullPageCache
from targets import Failure, Fluxd, Kafka, PEER, kafka_version

NAMES = {"flux": "Flux", "kafka": "Kafka", "mock": "ceiling"}
SECONDS = 6


def say(text):
    print(text, file=sys.stderr, flush=True)


class Run:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.clients = rows.Clients(options.programs, folder, options.seconds)
        self.page_cache = FullPageCache(folder)
        self.measured = {}
        self.brokers_made = 0

    def broker(self, side):
        self.brokers_made += 1
        folder = self.folder / f"{side}-{self.brokers_made}"
        if side == "kafka":
            return Kafka(self.options.programs, folder)
        return Fluxd(self.options.programs, folder, self.options.fluxd)

    @property
    def sides(self):
        return ["flux"] if self.options.without_kafka else ["flux", "kafka"]

    def chosen(self, stage):
        return [row for row in rows.ROWS if row.stage == stage and row.name in self.options.only]

    def note(self, row, side, broker):
        if row.stage == rows.LOADED:
            self.page_cache.fill()
        figures = row.measure(self.clients, broker, row)
        self.measured.setdefault(row.name, {}).setdefault(side, []).append(figures)
        words = "  ".join(f"{key} {value:,.2f}" for key, value in figures.items())
        say(f"    {row.name:<20}{NAMES[side]:<9}{words}")

    def note_start(self, side, broker):
        if "cold-start" in self.options.only:
            self.note(rows.BY_NAME["cold-start"], side, broker)

    def fresh_stage(self):
        """Every start is one more measurement of it."""
        for row in self.chosen(rows.FRESH):
            for side in self.sides:
                with self.broker(side) as broker:
                    self.note_start(side, broker)
                    if row.name != "cold-start":
                        self.note(row, side, broker)

    def loaded_stage(self):
        chosen = self.chosen(rows.LOADED)
        if not chosen:
            return
        with contextlib.ExitStack() as stack:
            brokers = {}
            for side in self.sides:
                brokers[side] = stack.enter_context(self.broker(side))
                self.note_start(side, brokers[side])
            for broker in brokers.values():
                rows.warm_up(self.clients, broker)
            for row in chosen:
                for side, broker in brokers.items():
                    self.note(row, side, broker)
                if row.mock:
                    self.note(row, "mock", None)

    def all_rounds(self):
        for number in range(self.options.rounds):
            say(f"round {number + 1} of {self.options.rounds}")
            self.fresh_stage()
            self.loaded_stage()


def read_rows(text):
    names = text.split(",")
    for name in names:
        if name not in rows.BY_NAME:
            raise argparse.ArgumentTypeError(
                f"there is no row {name}; there are {', '.join(rows.BY_NAME)}")
    # Alone it would show what nothing has loaded.
    return names + ["produce-1k"] if names == ["memory"] else names


def at_least_one(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="tools/do bench broker", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="rows: " + ", ".join(rows.BY_NAME))
    parser.add_argument("--rounds", type=at_least_one, default=3, help="default: %(default)s")
    parser.add_argument("--only", type=read_rows, metavar="ROW[,ROW]", help="these rows alone")
    parser.add_argument("--seconds", type=at_least_one, default=SECONDS,
                        help="of a row of throughput; those of latency take 2 and 4 times as long "
                             "(default: %(default)s)")
    parser.add_argument("--without-kafka", action="store_true", help="Flux and the ceiling alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all measurements of all rounds")
    parser.add_argument("--from", type=Path, metavar="FILE", dest="earlier",
                        help="measure nothing: write the document from an earlier --json")
    parser.add_argument("--dir", type=Path, help="where the data goes; on the disk to be measured")
    for hidden in ("--fluxd", "--programs", "--document"):
        parser.add_argument(hidden, type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.whole = not (options.only or options.without_kafka or options.seconds != SECONDS)
    options.only = options.only or list(rows.BY_NAME)
    return options


def measure(options):
    kafka = kafka_version()
    if not options.without_kafka and kafka is None:
        raise Failure(f"Apache Kafka is not there yet: run {PEER.name} setup, or --without-kafka")
    machine = page.machine()
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=options.dir))
    run = Run(options, folder)
    try:
        run.all_rounds()
    finally:
        run.page_cache.close()
        shutil.rmtree(folder, ignore_errors=True)
    return {"rounds": options.rounds, "machine": machine, "kafka": kafka, "whole": options.whole,
            "measured": run.measured}


def main():
    options = parse(sys.argv[1:])
    # What ends a run ends its brokers: both pass through what stops them. A shell's background
    # command would ignore the first.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        done = json.loads(options.earlier.read_text()) if options.earlier else measure(options)
    except Failure as failure:
        say(f"bench broker: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130
    if options.json:
        options.json.write_text(json.dumps(done, indent=1) + "\n")
    results = page.Results(done["measured"])
    print(page.table(results))
    print()
    print(page.aims(results))
    if done["whole"]:
        options.document.write_text(
            page.document(results, done["rounds"], done["machine"], done["kafka"]))
        say(f"written to {options.document}")
    else:
        say("not a whole run: the document stays as it is")
    return 0
