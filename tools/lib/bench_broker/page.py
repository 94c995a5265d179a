"""Figures to tables: medians over the rounds with their spread, the aims, the document."""

import os
import platform
import statistics
from dataclasses import dataclass
from pathlib import Path

from rows import BY_NAME
from targets import DURABILITY

SIDES = ("flux", "kafka", "mock")


@dataclass(frozen=True)
class Figure:
    row: str
    key: str
    what: str  # behind the row's own words; may be empty
    unit: str
    digits: int = 0
    scale: float = 1


CPU_UNITS = {"produce-1k": "s/GB", "produce-100": "s/GB", "fetch": "s/GB"}
CPU_UNIT = "s/M"

FIGURES = [
    Figure("cold-start", "ms", "", "ms"),
    Figure("idle", "rss_mb", "memory", "MiB"),
    Figure("idle", "cpu_percent", "processor", "% of a core", 2),
    Figure("partitions", "seconds", "", "s", 2),
    Figure("partitions", "cpu_s", "broker CPU", "s", 2),
    Figure("produce-1k", "per_second", "", "K/s", 0, 1e-3),
    Figure("produce-100", "per_second", "", "K/s", 0, 1e-3),
    Figure("ack-5000", "p50_us", "p50", "us"),
    Figure("ack-5000", "p99_us", "p99", "us"),
    Figure("ack-5000", "p999_us", "p99.9", "us"),
    Figure("ack-1000", "p50_us", "p50", "us"),
    Figure("ack-1000", "p99_us", "p99", "us"),
    Figure("unbatched-64", "per_second", "", "K/s", 1, 1e-3),
    Figure("fetch", "per_second", "", "K/s", 0, 1e-3),
    Figure("fsync-ack", "p50_us", "p50", "us"),
    Figure("fsync-ack", "p99_us", "p99", "us"),
    Figure("fsync-ack", "fdatasync_us", "the disk alone: 1 KB and fdatasync", "us"),
    Figure("fsync-unbatched-1", "per_second", "", "K/s", 1, 1e-3),
    Figure("fsync-unbatched-16", "per_second", "", "K/s", 1, 1e-3),
    Figure("memory", "rss_mb", "now", "MiB"),
    Figure("memory", "peak_mb", "at most", "MiB"),
]


class Results:
    """results[row][side]: a list of measurements, one for each round."""

    def __init__(self, measured):
        self.measured = measured

    def values(self, row, side, key):
        return [one[key] for one in self.measured.get(row, {}).get(side, []) if key in one]

    def median(self, row, side, key):
        """None where nothing was measured."""
        values = self.values(row, side, key)
        return statistics.median(values) if values else None

    def ratio(self, row, key, over="kafka", of="flux"):
        upper, lower = self.median(row, of, key), self.median(row, over, key)
        return None if upper is None or not lower else upper / lower


def number(value, digits=0):
    return f"{value:,.{digits}f}"


def shown(values, figure):
    """The median, and from the least to the most."""
    if not values:
        return "-"
    scaled = [value * figure.scale for value in values]
    text = number(statistics.median(scaled), figure.digits)
    if len(scaled) == 1:
        return text
    least, most = (number(end(scaled), figure.digits) for end in (min, max))
    return f"{text} ({least}-{most})"


def cpu_cell(results, row, side):
    value = results.median(row, side, "cpu")
    return "-" if value is None else f"{value:.2f}"


def stolen_cell(results, row):
    shares = [results.median(row, side, "stolen") for side in SIDES]
    return " ".join("-" if share is None else f"{share:.0%}" for share in shares)


def durability_cell(row):
    return "{flux}; {kafka}".format(**DURABILITY[row.durability]) if row.durability else "-"


def table(results):
    lines = ["| what | durability: Flux; Kafka | unit | Flux | Apache Kafka | client's ceiling "
             "| Flux to Kafka | broker CPU: Flux, Kafka | stolen CPU: Flux, Kafka, ceiling |",
             "|---|---|---|---|---|---|---|---|---|"]
    for figure in FIGURES:
        row = BY_NAME[figure.row]
        cells = [shown(results.values(row.name, side, figure.key), figure) for side in SIDES]
        if cells == ["-"] * len(SIDES):
            continue
        ratio = results.ratio(row.name, figure.key)
        cpu = "-"
        if results.median(row.name, "flux", "cpu") is not None:
            cpu = (f"{cpu_cell(results, row.name, 'flux')}, "
                   f"{cpu_cell(results, row.name, 'kafka')} {CPU_UNITS.get(row.name, CPU_UNIT)}")
        what = f"{row.what}: {figure.what}" if figure.what else row.what
        lines.append(f"| {what} | {durability_cell(row)} | {figure.unit} | {' | '.join(cells)} | "
                     f"{'-' if ratio is None else f'{ratio:.2f}'} | {cpu} | "
                     f"{stolen_cell(results, row.name)} |")
    return "\n".join(lines)


# ---- the aims


@dataclass(frozen=True)
class Verdict:
    aim: str
    measured: str
    met: bool


def at_most(results, aim, row, key, limit, unit, digits=0):
    value = results.median(row, "flux", key)
    if value is None:
        return None
    return Verdict(aim, f"{number(value, digits)} {unit}", value <= limit)


def ratio_at_most(results, aim, row, key, limit, over="kafka"):
    ratio = results.ratio(row, key, over)
    return ratio and Verdict(aim, f"{ratio:.2f} times", ratio <= limit)


def ratio_at_least(results, aim, row, key, limit, over="kafka"):
    ratio = results.ratio(row, key, over)
    return ratio and Verdict(aim, f"{ratio:.2f} times", ratio >= limit)


def produce_1k(results):
    aim = "produce 1 KB: at least 2 times Kafka's, or 85 % of the client's ceiling"
    of_kafka = results.ratio("produce-1k", "per_second")
    of_ceiling = results.ratio("produce-1k", "per_second", "mock")
    if of_kafka is None or of_ceiling is None:
        return None
    return Verdict(aim, f"{of_kafka:.2f} times, {of_ceiling:.0%}",
                   of_kafka >= 2 or of_ceiling >= 0.85)


def fsync_ack(results):
    own, disk = (results.median("fsync-ack", "flux", key) for key in ("p50_us", "fdatasync_us"))
    mock = results.median("fsync-ack", "mock", "p50_us")
    if own is None or mock is None:
        return None
    allowed = disk + 1.5 * mock
    return Verdict("acknowledgement p50 with fsync: at most one fdatasync and 1.5 times the "
                   "ceiling's", f"{own:.0f} of {allowed:.0f} us", own <= allowed)


def verdicts(results):
    found = [
        at_most(results, "cold start: at most 100 ms", "cold-start", "ms", 100, "ms"),
        at_most(results, "memory, idle: at most 24 MiB", "idle", "rss_mb", 24, "MiB", 1),
        at_most(results, "memory after load: at most 128 MiB", "memory", "rss_mb", 128, "MiB"),
        at_most(results, "idle: at most 0.3 % of a core", "idle", "cpu_percent", 0.3, "%", 2),
        at_most(results, "1,000 partitions, each acknowledging: at most 0.5 s", "partitions",
                "seconds", 0.5, "s", 2),
        produce_1k(results),
        ratio_at_most(results, "produce 1 KB: at most 0.35 times Kafka's CPU a GB", "produce-1k",
                      "cpu", 0.35),
        ratio_at_least(results, "produce 100 B: at least 85 % of the client's ceiling",
                       "produce-100", "per_second", 0.85, "mock"),
        ratio_at_most(results, "produce 100 B: at most 0.4 times Kafka's CPU", "produce-100", "cpu",
                      0.4),
        ratio_at_most(results, "acknowledgement p50 at 5,000/s: at most 1.5 times the ceiling's",
                      "ack-5000", "p50_us", 1.5, "mock"),
        ratio_at_most(results, "acknowledgement p99 at 5,000/s: at most 0.5 times Kafka's",
                      "ack-5000", "p99_us", 0.5),
        ratio_at_most(results, "acknowledgement p99.9 at 5,000/s: at most 0.25 times Kafka's",
                      "ack-5000", "p999_us", 0.25),
        ratio_at_least(results, "unbatched, 64 connections: at least 4 times Kafka's",
                       "unbatched-64", "per_second", 4),
        ratio_at_most(results, "catch-up fetch: at most 0.6 times Kafka's CPU a GB", "fetch", "cpu",
                      0.6),
        fsync_ack(results),
        ratio_at_least(results, "unbatched with fsync, 1 partition: at least 4 times Kafka's",
                       "fsync-unbatched-1", "per_second", 4),
        ratio_at_least(results, "unbatched with fsync, 16 partitions: at least 2.5 times Kafka's",
                       "fsync-unbatched-16", "per_second", 2.5),
    ]
    return [verdict for verdict in found if verdict]


def aims(results):
    lines = ["| aim | measured | |", "|---|---|---|"]
    lines += [f"| {verdict.aim} | {verdict.measured} | {'met' if verdict.met else '**short**'} |"
              for verdict in verdicts(results)]
    return "\n".join(lines)


# ---- the document


def machine():
    """What the figures depend on, when the run begins."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    return (f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}; load "
            f"average {os.getloadavg()[0]:.1f} at the beginning")


TEXT = (Path(__file__).parent / "document.txt").read_text()


def document(results, rounds, on, kafka):
    return TEXT.format(rounds=rounds, machine=on, kafka=kafka, table=table(results),
                       aims=aims(results))
