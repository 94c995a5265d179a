#!/usr/bin/env python3
"""Real clients against one fluxd: each produces, each consumes, and digests must be equal.

Every producer writes a topic of three partitions for each codec that it has and for acks 0, 1 and
all. Each topic is read, by assignment, by READER (or who is here instead) and by one more client
in turn: so each consumer reads a million records of another client, and each codec as another
client writes it. With --cross all read all. What was read is compared with the records as the
generator (records.py) makes them here. At the end Kafka's dump tool reads all that fluxd wrote.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brokers
import records
from clients import CLIENTS, PLACE

PARTITIONS = 3
SECONDS_MAX = 1800
READER = "librdkafka"  # the fastest
PLANTS = ("drop", "flip", "key", "header", "timestamp", "swap")


class Case:
    """One topic: who writes it, how, and how much."""

    def __init__(self, producer, codec, acks, count, turn=0, plant=""):
        self.producer, self.codec, self.acks = producer, codec, acks
        self.count, self.turn, self.plant = count, turn, plant
        self.topic = "-".join(filter(None, (producer.name, codec, f"acks-{acks}", plant)))

    def __str__(self):
        return f"{self.producer.name} {self.codec} acks={self.acks} {self.count:,}"


class Matrix:
    def __init__(self, options, folder):
        self.options = options
        self.base_ms = int(time.time() * 1000) - 60_000
        self.broker = brokers.Fluxd(folder)
        self.rows, self.references, self.skipped = [], {}, []
        self.started = time.monotonic()
        self.clients = []
        for client in CLIENTS:
            if options.client and client.name not in options.client:
                continue
            why = client.missing()
            if why:
                self.skipped.append((client.name, why))
                self.say(f"skipped  {client.name}: {why}")
            else:
                self.clients.append(client)

    def say(self, text):
        print(f"[{time.monotonic() - self.started:6.0f}s] {text}", flush=True)

    def reference(self, shape, count):
        """Digests by partition of what a right broker gives back. The times of kcat's records are
        its own, so those of another consumer's stand in for them (see compare)."""
        if (shape, count) not in self.references:
            generator = records.Generator(self.options.seed, self.base_ms, shape)
            digests = [records.Digest() for _ in range(PARTITIONS)]
            for i in range(count):
                digests[i % PARTITIONS].add(*generator.record(i))
            self.references[shape, count] = [digest.result() for digest in digests]
        return self.references[shape, count]

    def call(self, client, what, case, *arguments):
        """(seconds, standard output or None, what was wrong)."""
        command = client.call(what, "--bootstrap", f"127.0.0.1:{self.broker.port}", "--topic",
                              case.topic, "--partitions", PARTITIONS, *arguments)
        begin = time.monotonic()
        try:
            done = subprocess.run(command, env=client.environment, capture_output=True, text=True,
                                  timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            return SECONDS_MAX, None, f"was not done after {SECONDS_MAX} s"
        took = time.monotonic() - begin
        if done.returncode != 0:
            why = " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
            return took, None, f"exit code {done.returncode}: {why}"
        return took, done.stdout, ""

    def create(self, case):
        connection = brokers.Connection(self.broker.port)
        answer = connection.ask("create_topics", 5, {"timeout_ms": 10_000, "topics": [
            {"name": case.topic, "num_partitions": PARTITIONS, "replication_factor": 1}]})
        connection.close()
        if answer["topics"][0]["error"] != 0:
            sys.exit(f"topic {case.topic}: {answer['topics'][0]}")

    def wait_for_end(self, case):
        """Unacknowledged records (acks=0) may arrive a little later than their producer ends."""
        for _ in range(600):
            ends = brokers.end_offsets(self.broker.port, case.topic, PARTITIONS)
            if sum(ends) >= case.count:
                break
            time.sleep(0.05)
        return ends

    def produce(self, case):
        self.create(case)
        arguments = ["--records", case.count, "--seed", self.options.seed, "--base-ms",
                     self.base_ms, "--codec", case.codec, "--acks", case.acks]
        if case.plant:
            arguments += ["--plant", case.plant]
        took, _, wrong = self.call(case.producer, "produce", case, *arguments)
        if not wrong and not case.plant:
            ends = self.wait_for_end(case)
            if sum(ends) != case.count:
                wrong = f"the partitions end at {ends}, not at {case.count} together"
        return took, wrong

    def consume(self, case, client):
        took, out, wrong = self.call(client, "consume", case)
        found = re.findall(r"^digest \d+ (\d+) (\w+) (\w+)$", out or "", flags=re.M)
        return took, [(int(n), content, times) for n, content, times in found], wrong

    def compare(self, case, expected, found, times):
        """What is wrong with what a consumer found; `times` are those that all have to agree on."""
        for p, ((count, content, _), want_times) in enumerate(zip(expected, times)):
            if p >= len(found):
                return f"partition {p}: no digest"
            if found[p][0] != count:
                return f"partition {p}: {found[p][0]} records, not {count}"
            if found[p][1] != content:
                return f"partition {p}: keys, values or headers differ"
            if found[p][2] != want_times:
                return f"partition {p}: timestamps differ"
        return ""

    def readers(self, case):
        """In an order that puts the one whose times stand in for kcat's first."""
        consumers = [client for client in self.clients if client.consumes]
        if self.options.cross:
            return consumers
        first = next((c for c in consumers if c.name == READER), consumers[0])
        second = consumers[case.turn % len(consumers)]
        return [first] if second is first else [first, second]

    def run_case(self, case):
        """A topic is written and read by all; the rows say how it went."""
        took, wrong = self.produce(case)
        expected = self.reference(case.producer.shape, case.count)
        times = [digest[2] for digest in expected]
        self.rows.append({"producer": case.producer.name, "codec": case.codec, "acks": case.acks,
                          "records": case.count, "consumer": None,
                          "seconds": round(took, 2), "wrong": wrong})
        if wrong:
            self.say(f"FAIL     {case}: producing: {wrong}")
            return
        self.say(f"produced {case} in {took:.1f} s")
        consumers = self.readers(case)
        with ThreadPoolExecutor(1 if case.count > 100_000 else 2) as pool:
            results = list(pool.map(lambda client: self.consume(case, client), consumers))
        line = []
        for client, (took, found, wrong) in zip(consumers, results):
            first = client is consumers[0] and len(found) == PARTITIONS
            if first and case.producer.shape == "text":
                times = [digest[2] for digest in found]
            wrong = wrong or self.compare(case, expected, found, times)
            self.rows.append({"producer": case.producer.name, "codec": case.codec,
                              "acks": case.acks, "records": case.count, "consumer": client.name,
                              "seconds": round(took, 2), "wrong": wrong})
            line.append(f"{client.name} {took:.1f} s")
            if wrong:
                self.say(f"FAIL     {case} read by {client.name}: {wrong}")
        self.say(f"         read by {', '.join(line)}")

    def cases(self):
        few, many = self.options.few, self.options.records
        for n, client in enumerate(self.clients):
            yield Case(client, "none", "all", many, n + 1)
        for n, client in enumerate(self.clients):
            for c, codec in enumerate(client.codecs):
                if codec != "none":
                    yield Case(client, codec, "all", few, n + c + 1)
        for n, client in enumerate(self.clients):
            for acks in ("0", "1"):
                yield Case(client, "none", acks, few, n + 1 + int(acks))

    def self_test(self):
        """A planted fault has to be found by every consumer."""
        names = [client.name for client in self.clients]
        if "kafka-python" not in names:
            self.skipped.append(("planted faults", "kafka-python makes them"))
            return
        producer = self.clients[names.index("kafka-python")]
        for plant in PLANTS:
            case = Case(producer, "none", "all", 1000, plant=plant)
            _, wrong = self.produce(case)
            expected = self.reference(producer.shape, case.count)
            consumers = [client for client in self.clients if client.consumes]
            blind = [client.name for client in consumers if wrong or not self.compare(
                case, expected, self.consume(case, client)[1], [d[2] for d in expected])]
            self.rows.append({"producer": f"planted {plant}", "codec": "none", "acks": "all",
                              "records": 1000, "consumer": "all", "seconds": 0,
                              "wrong": f"not seen by {', '.join(blind)} {wrong}" if blind else ""})
            self.say(f"{'FAIL' if blind else 'planted '} {plant}: "
                     + (f"not seen by {', '.join(blind)} {wrong}" if blind else "seen by all"))

    def dump(self):
        """Kafka's dump tool over every segment and index: no complaint, no record less."""
        why = brokers.missing_kafka()
        if why:
            self.skipped.append(("kafka-dump-log", why))
            return
        files = sorted(str(path) for kind in ("log", "index", "timeindex")
                       for path in self.broker.data.glob(f"*-acks-*/*.{kind}"))
        command = [brokers.KAFKA_PEER, "tool", "dump-log", "--skip-record-metadata", "--files"]
        count, wrong = 0, ""
        begin = time.monotonic()
        run = subprocess.Popen([*command, ",".join(files)], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
        for line in run.stdout:
            batch = re.match(r"baseOffset: .* count: (-?\d+) .* isvalid: (\w+)", line)
            if batch:
                count += int(batch[1])
            if batch and batch[2] != "true" or re.search(
                    r"(?i)mismatch|exception|corrupt|invalid|non-consecutive|not match", line):
                wrong = wrong or line.strip()
        stored = sum(row["records"] for row in self.rows
                     if row["consumer"] is None and not row["wrong"])
        stored += sum(999 if "drop" in row["producer"] else 1000 for row in self.rows
                      if row["producer"].startswith("planted"))
        if run.wait() != 0:
            wrong = wrong or f"exit code {run.returncode}"
        if not wrong and count != stored:
            wrong = f"{count:,} records, not {stored:,}"
        self.rows.append({"producer": "kafka-dump-log", "codec": "", "acks": "", "records": count,
                          "consumer": "itself", "seconds": round(time.monotonic() - begin, 1),
                          "wrong": wrong})
        self.say(f"{'FAIL    ' if wrong else 'ok      '} kafka-dump-log: {len(files)} files, "
                 f"{count:,} records {wrong}")

    def summary(self):
        """Records compared, by producer and consumer, and the counts."""
        read = [row for row in self.rows if row["consumer"] not in (None, "all", "itself")]
        consumers = [client.name for client in self.clients if client.consumes]
        print(f"\n{'records compared':<17}" + "".join(f"{name:>16}" for name in consumers))
        for client in self.clients:
            cells = [sum(row["records"] for row in read if row["producer"] == client.name
                         and row["consumer"] == name and not row["wrong"]) for name in consumers]
            print(f"{client.name:<17}" + "".join(f"{cell:>16,}" for cell in cells))
        for name, why in self.skipped:
            print(f"skipped: {name}: {why}")
        compared = sum(row["records"] for row in read if not row["wrong"])
        print(f"{compared:,} records compared in {len(read)} readings, {len(self.skipped)} skipped")
        failed = sum(1 for row in self.rows if row["wrong"])
        if self.options.json:
            report = {"rows": self.rows, "skipped": self.skipped, "compared": compared}
            Path(self.options.json).write_text(json.dumps(report, indent=1) + "\n")
        print(f"{len(self.rows) - failed} passed, {failed} failed")
        return failed


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1_000_000, help="for codec none, acks all")
    parser.add_argument("--few", type=int, default=50_000, help="for other codecs and acks")
    parser.add_argument("--quick", action="store_true", help="20,000 and 2,000")
    parser.add_argument("--cross", action="store_true", help="every topic is read by everyone")
    parser.add_argument("--client", action="append", help="only this one; may be repeated")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", help="write every row to this file")
    options = parser.parse_args()
    if options.quick:
        options.records, options.few = 20_000, 2_000
    return options


def main():
    folder = PLACE / f"matrix-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    matrix = Matrix(parse(), folder)
    if not matrix.clients:
        sys.exit("no client is here; run: tools/do setup --interop")
    try:
        for case in matrix.cases():
            matrix.run_case(case)
        matrix.self_test()
    finally:
        status = matrix.broker.stop()
    if status != 0:
        matrix.rows.append({"producer": "fluxd", "consumer": None, "records": 0, "codec": "",
                            "acks": "", "seconds": 0, "wrong": f"exit code {status}"})
    matrix.dump()
    failed = matrix.summary()
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
