"""The rows of the comparison: what is done to each broker, and what it gives.

A measurement is a dictionary: the figures, "cpu" (the broker's processor seconds for each unit of
work) and "stolen" (the share of all processors that the host took meanwhile).
"""

import json
import os
import statistics
import subprocess
import time
from dataclasses import dataclass

from targets import Failure, stolen_seconds

GB = 1e9
FETCHED_RECORDS = 2_000_000
IDLE_SECONDS = 20
IDLE_SETTLE_SECONDS = 10
SETTLE_SECONDS = 3
PROBE_SYNCS = 2_000
PROBE_PAUSE_SECONDS = 0.001

FRESH, LOADED = "fresh", "loaded"


@dataclass(frozen=True)
class Row:
    name: str
    what: str
    stage: str
    durability: str  # or "" where none is asked for
    measure: object
    mock: bool = False


class Clients:
    """Runs the load programs; `seconds` is what a row of throughput takes."""

    def __init__(self, programs, folder, seconds):
        self.programs, self.folder, self.seconds = programs, folder, seconds
        self.topics = 0

    def run(self, program, command, broker, *options):
        """`broker` None is librdkafka's own, in the client."""
        words = [self.programs / program, command, *map(str, options)]
        if broker is None:
            words.append("--mock")
        else:
            words += ["--broker", broker.address]
            if command not in ("create", "delete"):
                words += ["--broker-pid", str(broker.pid)]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode != 0:
            side = broker.side if broker else "mock"
            raise Failure(f"{program} {command}, {side}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def settle(self):
        """What the last row wrote is on the disk before the next one is measured, and what it freed
        has gone where a virtual machine's free memory goes (page_cache.py takes it back)."""
        subprocess.run(["sync", "-f", self.folder], check=True)
        time.sleep(SETTLE_SECONDS)

    def topic(self, broker, partitions, durability):
        return Topic(self, broker, partitions, durability)


class Topic:
    """A fresh one for each measurement, deleted after it."""

    def __init__(self, clients, broker, partitions, durability):
        clients.topics += 1
        self.clients, self.broker = clients, broker
        self.name = f"bench-{clients.topics}"
        self.partitions, self.durability = partitions, durability

    def __enter__(self):
        if self.broker:
            self.clients.run("raw_load", "create", self.broker, *self.options,
                             *self.broker.settings(self.durability))
        return self

    def __exit__(self, *_):
        if self.broker:
            self.clients.run("raw_load", "delete", self.broker, "--topic", self.name)
            self.clients.settle()

    @property
    def options(self):
        return ["--topic", self.name, "--partitions", self.partitions]


def common(report, units):
    out = {"stolen": report["stolen_share"]}
    if "broker_cpu_s" in report:
        out["cpu"] = report["broker_cpu_s"] / units
    return out


def produce(clients, broker, row, size):
    with clients.topic(broker, 6, row.durability) as topic:
        report = clients.run("rdkafka_load", "produce", broker, *topic.options, "--size", size,
                             "--seconds", clients.seconds)
    return {"per_second": report["per_second"], "bytes": report["records"] * size,
            **common(report, report["records"] * size / GB)}


def times(report):
    return {key: report[key] for key in ("p50_us", "p99_us", "p999_us", "max_us", "samples")}


def pace(clients, broker, row, rate, seconds, partitions):
    with clients.topic(broker, partitions, row.durability) as topic:
        report = clients.run("rdkafka_load", "pace", broker, *topic.options, "--rate", rate,
                             "--seconds", seconds)
    return {**times(report), **common(report, report["samples"] / 1e6)}


def unbatched(clients, broker, row, connections, in_flight, partitions):
    with clients.topic(broker, partitions, row.durability) as topic:
        report = clients.run("raw_load", "unbatched", broker, *topic.options,
                             "--connections", connections, "--in-flight", in_flight,
                             "--seconds", clients.seconds)
    return {"per_second": report["per_second"], **times(report),
            **common(report, report["requests"] / 1e6)}


def fetch(clients, broker, row):
    with clients.topic(broker, 6, row.durability) as topic:
        clients.run("rdkafka_load", "produce", broker, *topic.options, "--size", 1024,
                    "--records", FETCHED_RECORDS)
        clients.settle()
        # Of two passes the second counts: a JVM has seen the work by then.
        for _ in range(2):
            report = clients.run("rdkafka_load", "fetch", broker, *topic.options,
                                 "--records", FETCHED_RECORDS)
    return {"per_second": report["per_second"], **common(report, report["bytes"] / GB)}


def cold_start(clients, broker, row):
    return {"ms": broker.first_ack_s * 1000}


def idle(clients, broker, row):
    time.sleep(IDLE_SETTLE_SECONDS)
    resident, _ = broker.memory()
    cpu, stolen = broker.cpu(), stolen_seconds()
    time.sleep(IDLE_SECONDS)
    return {"rss_mb": resident / 2**20, "cpu_percent": (broker.cpu() - cpu) / IDLE_SECONDS * 100,
            "stolen": (stolen_seconds() - stolen) / (IDLE_SECONDS * os.cpu_count())}


def partitions(clients, broker, row):
    report = clients.run("raw_load", "partitions", broker, "--topic", "many", "--topics", 10,
                         "--partitions", 100, *broker.settings(row.durability))
    return {"seconds": report["seconds"], "created_s": report["created_s"],
            "rss_mb": broker.memory()[0] / 2**20, "cpu_s": report["broker_cpu_s"],
            "stolen": report["stolen_share"]}


def memory(clients, broker, row):
    resident, peak = broker.memory()
    return {"rss_mb": resident / 2**20, "peak_mb": peak / 2**20}


def probe_sync(folder):
    """What an append of 1 KB and its fdatasync take in the middle, at 1,000 a second, in us."""
    took = []
    with open(folder / "probe", "wb", buffering=0) as file:
        for _ in range(PROBE_SYNCS):
            time.sleep(PROBE_PAUSE_SECONDS)
            began = time.perf_counter_ns()
            file.write(bytes(1024))
            os.fdatasync(file.fileno())
            took.append((time.perf_counter_ns() - began) / 1000)
    os.unlink(folder / "probe")
    return statistics.median(took)


def fsync_ack(clients, broker, row):
    before = probe_sync(clients.folder) if broker else None
    out = pace(clients, broker, row, 1000, clients.seconds * 2, 1)
    if broker:
        out["fdatasync_us"] = (before + probe_sync(clients.folder)) / 2
    return out


ROWS = [
    Row("cold-start", "cold start to the first acknowledgement", FRESH, "page-cache", cold_start),
    Row("idle", "idle", FRESH, "", idle),
    Row("partitions", "1,000 partitions (10 topics), each acknowledging", FRESH, "page-cache",
        partitions),
    Row("produce-1k", "produce, 1 KB, 6 partitions", LOADED, "page-cache",
        lambda *to: produce(*to, 1024), mock=True),
    Row("produce-100", "produce, 100 B, 6 partitions", LOADED, "page-cache",
        lambda *to: produce(*to, 100), mock=True),
    Row("ack-5000", "acknowledgement, 5,000/s of 1 KB", LOADED, "page-cache",
        lambda clients, *to: pace(clients, *to, 5000, clients.seconds * 4, 6), mock=True),
    Row("ack-1000", "acknowledgement, 1,000/s of 1 KB", LOADED, "page-cache",
        lambda clients, *to: pace(clients, *to, 1000, clients.seconds * 2, 6), mock=True),
    Row("unbatched-64", "unbatched, 64 connections x 5, 6 partitions", LOADED, "page-cache",
        lambda *to: unbatched(*to, 64, 5, 6)),
    Row("fetch", "catch-up fetch, 2 GB cached", LOADED, "page-cache", fetch),
    Row("fsync-ack", "acknowledgement, 1,000/s of 1 KB, 1 partition", LOADED, "fsync", fsync_ack,
        mock=True),
    Row("fsync-unbatched-1", "unbatched, 16 connections x 10, 1 partition", LOADED, "fsync",
        lambda *to: unbatched(*to, 16, 10, 1)),
    Row("fsync-unbatched-16", "unbatched, 16 connections x 10, 16 partitions", LOADED, "fsync",
        lambda *to: unbatched(*to, 16, 10, 16)),
    Row("memory", "memory after these loads", LOADED, "", memory),
]
BY_NAME = {row.name: row for row in ROWS}


def warm_up(clients, broker):
    """What a JVM compiles while it sees the load; Flux gets the same."""
    with clients.topic(broker, 6, "page-cache") as topic:
        clients.run("rdkafka_load", "produce", broker, *topic.options, "--warmup", 0,
                    "--seconds", clients.seconds * 2)
    with clients.topic(broker, 6, "page-cache") as topic:
        clients.run("raw_load", "unbatched", broker, *topic.options, "--warmup", 0,
                    "--seconds", clients.seconds)
