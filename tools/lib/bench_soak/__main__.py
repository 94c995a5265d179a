"""An hour of mixed load on one fluxd: do its memory and the time it takes stay level?

Records at a rate, by a new client every few seconds, into topics whose segments roll and go by
size; beside them clients that come and go, forget their producers, delete records, make and delete
topics, or break off. Each window gives one sample. A run of the usual length or longer writes the
document; a shorter one only prints. It fails when a client was told a wrong thing, when something
never happened, or when a figure rose.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[1:1] = [str(ROOT / "tools/lib/bench_broker"), str(ROOT / "tests/power_cut")]
import level  # pylint: disable=wrong-import-position
import page  # pylint: disable=wrong-import-position
from churn import Churn, Follower  # pylint: disable=wrong-import-position
from rows import Clients  # pylint: disable=wrong-import-position
from targets import Failure, Fluxd, free_port  # pylint: disable=wrong-import-position

MINUTES = 60
WINDOW_SECONDS = 10
RATE = 2000  # records of 1 KB a second
PARTITIONS = 6
# What would come once an hour or once a day comes every few seconds.
BROKER = {"log.retention.check.interval.ms": 5_000, "log.segment.delete.delay.ms": 2_000,
          "producer.id.expiration.ms": 30_000, "producer.id.expiration.check.interval.ms": 5_000,
          "flux.scrub.interval.ms": 60_000}
ROLLING = ["--setting", f"segment.bytes={4 * level.MIB}",
           "--setting", f"retention.bytes={16 * level.MIB}"]


def say(text):
    print(text, file=sys.stderr, flush=True)


class Soak:
    def __init__(self, options, folder):
        self.options = options
        self.http = free_port()
        self.broker = Fluxd(options.programs, folder / "flux", options.fluxd,
                            BROKER | {"flux.http.listener": f"http://127.0.0.1:{self.http}"})
        self.clients = Clients(options.programs, folder, WINDOW_SECONDS)
        self.samples = []

    def run(self):
        with self.broker:
            for durability in level.DURABILITIES:
                self.clients.run(
                    "raw_load", "create", self.broker, "--topic", f"steady-{durability}",
                    "--partitions", PARTITIONS, *ROLLING, *self.broker.settings(durability))
            others = [Churn(self.broker.port, number) for number in range(2)]
            others += [Follower(self.broker.port, f"steady-{durability}", PARTITIONS)
                       for durability in level.DURABILITIES]
            for other in others:
                other.start()
            try:
                self.windows(others)
            finally:
                for other in others:
                    other.end()
        self.did = {key: sum(other.did[key] for other in others)
                    for key in sorted(set().union(*(other.did for other in others)))}

    def windows(self, others):
        began = time.monotonic()
        meter = level.Meter(self.broker, self.http)
        while time.monotonic() - began < self.options.minutes * 60:
            times = {}
            for durability in level.DURABILITIES:
                report = self.clients.run(
                    "rdkafka_load", "pace", self.broker, "--topic", f"steady-{durability}",
                    "--partitions", PARTITIONS, "--rate", RATE, "--warmup", 1,
                    "--seconds", WINDOW_SECONDS / 2)
                times[f"p50_{durability}"] = report["p50_us"]
                times[f"p99_{durability}"] = report["p99_us"]
            for other in others:
                other.check()
            sample = {"minute": (time.monotonic() - began) / 60, **times, **meter.sample()}
            self.samples.append(sample)
            if len(self.samples) % 6 == 1:
                say("    " + level.line(sample))


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="tools/do bench soak", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all samples")
    parser.add_argument("--dir", type=Path, help="where the data goes")
    for hidden in ("--fluxd", "--programs", "--document"):
        parser.add_argument(hidden, type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.minutes <= 0:
        parser.error("--minutes is more than 0")
    return options


def measure(options):
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=options.dir))
    soak = Soak(options, folder)
    try:
        soak.run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return soak


def main():
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine = page.machine()
    try:
        soak = measure(options)
    except Failure as failure:
        say(f"bench soak: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130
    if options.json:
        options.json.write_text(json.dumps({"did": soak.did, "samples": soak.samples}, indent=1))
    verdicts = level.verdicts(soak.samples) + level.reached(soak.samples, soak.did)
    text = level.document(soak.samples, soak.did, verdicts, machine)
    print(text)
    if options.minutes >= MINUTES:
        options.document.write_text(text)
        say(f"written to {options.document}")
    failed = sum(not verdict.held for verdict in verdicts)
    print(f"{len(verdicts) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
