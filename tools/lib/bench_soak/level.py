"""Samples of a soak, and whether they stay level: pure but for the Meter."""

import os
import statistics
import urllib.request
from dataclasses import dataclass
from pathlib import Path

DURABILITIES = ("page-cache", "fsync")
# The first part of a run fills caches and reaches the bounds of retention.
WARM_UP_SHARE = 0.2
MIB = 1 << 20
DOCUMENT_ROWS = 12


@dataclass(frozen=True)
class Figure:
    key: str
    name: str
    digits: int
    # How much more the last third may show than the first, as a share and as a number.
    share: float
    spare: float


FIGURES = (
    Figure("rss_mib", "memory, MiB", 1, 0.05, 2),
    Figure("cpu_us_per_record", "broker CPU, us a record", 2, 0.10, 0),
    Figure("p50_page-cache", "p50 page cache, us", 0, 0.15, 20),
    Figure("p50_fsync", "p50 fsync, us", 0, 0.15, 20),
    Figure("descriptors", "descriptors", 0, 0.10, 8),
    Figure("disk_mib", "data directory, MiB", 0, 0.10, 4),
    Figure("logs_open", "open logs", 0, 0.10, 4),
)
SHOWN_ALONE = ("p99_page-cache", "p99_fsync")


@dataclass(frozen=True)
class Verdict:
    what: str
    measured: str
    held: bool


class Meter:
    """What the broker's process and its metrics say, since the last sample where it is a rate."""

    def __init__(self, broker, http_port):
        self.broker = broker
        self.url = f"http://127.0.0.1:{http_port}/metrics"
        self.before = self.totals()

    def metrics(self):
        with urllib.request.urlopen(self.url, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {line.split()[0]: float(line.split()[1])
                for line in lines if line and not line.startswith("#")}

    def totals(self):
        return self.broker.cpu(), self.metrics()

    def sample(self):
        cpu, metrics = self.totals()
        cpu_before, before = self.before
        self.before = cpu, metrics
        records = metrics["flux_produced_records_total"] - before["flux_produced_records_total"]
        data = self.broker.folder / "data"
        return {
            "rss_mib": self.broker.memory()[0] / MIB,
            "cpu_us_per_record": (cpu - cpu_before) * 1e6 / max(1, records),
            "records": records,
            "descriptors": len(os.listdir(f"/proc/{self.broker.pid}/fd")),
            "disk_mib": bytes_below(data) / MIB,
            "logs_open": metrics["flux_logs_open"],
            "segments": metrics["flux_log_segments"],
            "connections": metrics["flux_connections_accepted_total"],
            "scrub_passes": metrics["flux_scrub_passes_total"],
            "written_mib": metrics["flux_produced_bytes_total"] / MIB,
        }


def bytes_below(folder):
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(Path(parent) / name).st_blocks * 512
            except FileNotFoundError:
                pass  # deleted meanwhile
    return total


def thirds(samples):
    """The first and the last third of what follows the warming up."""
    warm = samples[int(len(samples) * WARM_UP_SHARE):]
    size = max(1, len(warm) // 3)
    return warm[:size], warm[-size:]


def verdicts(samples):
    first, last = thirds(samples)
    out = []
    for figure in FIGURES:
        early, late = (statistics.median(sample[figure.key] for sample in part)
                       for part in (first, last))
        allowed = early * (1 + figure.share) + figure.spare
        out.append(Verdict(f"{figure.name}: level", f"{early:.{figure.digits}f}, at the end "
                           f"{late:.{figure.digits}f} (at most {allowed:.{figure.digits}f})",
                           late <= allowed))
    return out


def reached(samples, did):
    """What a level run must have seen, or it shows nothing."""
    last = samples[-1]
    written, kept = last["written_mib"], last["disk_mib"]
    return [
        Verdict("segments rolled and went", f"{written:.0f} MiB written, {kept:.0f} kept",
                written > 2 * kept),
        Verdict("the scrub came round", f"{last['scrub_passes']:.0f} passes",
                last["scrub_passes"] > 0),
    ] + [Verdict(name.replace("_", " "), f"{did.get(name, 0)}", did.get(name, 0) > 0)
         for name in ("write_and_read", "forget_producer", "topic", "delete_records", "break_off",
                      "followed again", "records followed")]


def line(sample):
    words = [f"{figure.name} {sample[figure.key]:.{figure.digits}f}" for figure in FIGURES]
    return f"minute {sample['minute']:.0f}: " + "  ".join(words)


def table(samples):
    keys = [(figure.key, figure.name, figure.digits) for figure in FIGURES]
    keys += [(key, key.replace("_", " ") + ", us", 0) for key in SHOWN_ALONE]
    size = max(1, -(-len(samples) // DOCUMENT_ROWS))
    lines = ["| to minute | " + " | ".join(name for _, name, _ in keys) + " |",
             "|---|" + "---|" * len(keys)]
    for begin in range(0, len(samples), size):
        part = samples[begin:begin + size]
        cells = [f"{statistics.median(sample[key] for sample in part):.{digits}f}"
                 for key, _, digits in keys]
        lines.append(f"| {part[-1]['minute']:.0f} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


TEXT = (Path(__file__).parent / "document.txt").read_text()


def document(samples, did, found, machine):
    rows = ["| what | measured | |", "|---|---|---|"]
    rows += [f"| {verdict.what} | {verdict.measured} | {'held' if verdict.held else '**not**'} |"
             for verdict in found]
    last, records = samples[-1], sum(sample["records"] for sample in samples)
    return TEXT.format(minutes=f"{last['minute']:.0f}", machine=machine, table=table(samples),
                       verdicts="\n".join(rows), records=f"{records:,.0f}",
                       connections=f"{last['connections']:,.0f}")
