#!/usr/bin/env python3
"""The same requests to fluxd and to Apache Kafka; answers compared field by field.

Both start with fresh data and get the requests of cases.py in the same order, on sockets of ours.
What has to differ (ids that are drawn, ports, times) is renamed first. Every other difference is
explained in explained.json, or fails the run; so does an explanation that explains nothing.
"""

import argparse
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import brokers  # noqa: E402
import cases  # noqa: E402
import page  # noqa: E402
import rough  # noqa: E402
from batches import batch  # noqa: E402
from protocol import BadAnswer  # noqa: E402

TABLES = ("topics", "partitions", "configs", "brokers", "api_keys")
SETTLE_SECONDS_MAX = 60
ANSWER_SECONDS_MAX = 60
# Of both: the records here are as old as computing, and stay.
SETTINGS = ("log.retention.ms=-1",)


class Side:
    """One of the two brokers, with the names that stand for what it drew."""

    def __init__(self, name, port):
        self.name, self.port, self.connection = name, port, None
        self.topic_ids, self.producer_ids, self.session = {}, {}, 0
        self.cluster_id = None
        self.compared = ()  # keys of the APIs that both serve
        self.reopen()

    def reopen(self):
        if self.connection:
            self.connection.close()
        self.connection = brokers.Connection(self.port, ANSWER_SECONDS_MAX)

    def served(self):
        answer = self.connection.ask("api_versions", 0, {})
        return {api["api_key"]: (api["min_version"], api["max_version"])
                for api in answer["api_keys"]}

    def resolve(self, value):
        """The request with this side's ids in the place of names."""
        if isinstance(value, cases.Id):
            return self.topic_ids.get(str(value), cases.NOBODY)
        if isinstance(value, dict):
            return {key: self.resolve(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.resolve(inner) for inner in value]
        if isinstance(value, tuple):
            label, fields = value
            return batch(producer_id=self.producer_ids.get(str(label), 1), **fields)
        return self.session if value == "session" else value

    def ask(self, case):
        """The answer as a value, or how the connection ended."""
        api = self.connection.apis[case.api]
        body = case.body
        if body is None:
            body = api.request.encode(self.resolve(case.value), case.version)
        if case.cut:
            body = body[:-case.cut]
        self.connection.socket.settimeout(case.patience or ANSWER_SECONDS_MAX)
        try:
            self.connection.correlation += 1
            self.connection.send(api.framed_body(body, case.version, self.connection.correlation))
            if case.silent:
                self.connection.ask("api_versions", 0, {})
                return {"connection": "open, no answer"}
            data = self.connection.receive()
        except (brokers.NoAnswer, ConnectionError) as why:
            self.reopen()
            return {"connection": "closed" if str(why) != "TimeoutError" else "no answer"}
        try:
            return self.learn(case, api.answer(data, case.version))
        except (BadAnswer, UnicodeDecodeError) as why:
            if case.api == "api_versions":
                return api.answer(data, 0)
            return {"undecodable": f"{why}: {data.hex()}"}

    def learn(self, case, answer):
        if case.keep:
            self.producer_ids[case.keep] = answer["producer_id"]
        if case.learn == "session":
            self.session = answer["session_id"]
        return answer

    def settle(self, topics):
        """Waits until the broker leads all partitions of these topics, and learns their ids."""
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        asked = {"topics": [{"name": name, "topic_id": bytes(16)} for name in topics],
                 "allow_auto_topic_creation": False}
        while True:
            answer = self.connection.ask("metadata", 12, asked)
            if all(topic["error"] == 0 and all(p["error"] == 0 and p["leader_id"] == 1
                   for p in topic["partitions"]) for topic in answer["topics"]) and (
                       self.leads(answer["topics"])):
                break
            if time.monotonic() > deadline:
                sys.exit(f"{self.name}: topics are not ready: {answer['topics']}")
            time.sleep(0.02)
        self.cluster_id = answer["cluster_id"]
        for topic in answer["topics"]:
            self.topic_ids[topic["name"]] = bytes.fromhex(topic["topic_id"])

    def leads(self, topics):
        """Whether the broker acts on what its metadata says: Kafka's does so a little later."""
        answer = self.connection.ask("list_offsets", 5, {"replica_id": -1, "topics": [
            {"name": topic["name"], "partitions": [
                {"index": p["index"], "current_leader_epoch": -1, "timestamp": -1}
                for p in topic["partitions"]]} for topic in topics]})
        return all(p["error"] == 0 for topic in answer["topics"] for p in topic["partitions"])

    def renamed(self, answer, path=""):
        """The answer without what has to differ."""
        if isinstance(answer, dict):
            return {key: self.rename(key, self.renamed(inner, key))
                    for key, inner in answer.items()}
        if isinstance(answer, list):
            return keyed([self.renamed(value, path) for value in answer], path)
        return answer

    def rename(self, name, value):
        if name == "topic_id" and value != bytes(16).hex():
            known = {one.hex(): topic for topic, one in self.topic_ids.items()}
            return f"<id of {known.get(value, 'another topic')}>"
        if name == "cluster_id" and value == self.cluster_id:
            return "<cluster>"
        if name == "port" and value == self.port:
            return "<port>"
        if name == "producer_id" and value >= 0:
            return "<producer>"
        if name == "finalized_features_epoch":
            return "<epoch>"
        if name == "api_keys":
            return {key: one for key, one in value.items() if int(key) in self.compared}
        if name == "session_id" and value != 0:
            return "<session>"
        if name in ("log_append_time_ms", "timestamp") and value > 1 << 40:
            return "<now>"
        if name == "log_dir":
            return "<directory>"
        if name in ("partition_size", "total_bytes", "usable_bytes") and value > 0:
            return "<bytes>"
        if name in ("error_message", "message") and value:
            return "<text>"
        if name == "records" and value is not None:
            return stored(value)
        return value


def keyed(items, path):
    """A list of things with names as a table: clients look them up, their order says nothing."""
    if not items:
        return {} if path in TABLES else items
    table = {}
    for item in items:
        if not isinstance(item, dict):
            return items
        names = [item[k] for k in ("name", "topic_id", "index", "api_key", "node_id", "broker_id",
                                   "partition_index", "resource_name", "group_id")
                 if item.get(k) is not None]
        if not names:
            return items
        # A broker and its loggers have one name.
        key = f"{names[0]} {item['resource_type']}" if "resource_type" in item else str(names[0])
        while key in table:
            if joined(table[key], item):
                break
            key += " again"
        else:
            table[key] = item
    return table


def joined(one, other):
    """Whether both were parts of one topic, which Kafka at times answers in two, and now are."""
    both = one.get("partitions"), other.get("partitions")
    rest = [{k: v for k, v in item.items() if k != "partitions"} for item in (one, other)]
    if not all(isinstance(part, dict) for part in both) or both[0].keys() & both[1].keys() or (
            rest[0] != rest[1]):
        return False
    both[0].update(both[1])
    return True


def stored(records):
    """Whole batches as they come back; a part of one at the end, which Kafka sends and clients
    throw away, is left out. So are times and producer ids that the broker gave, and with them the
    CRC."""
    out, at = [], 0
    while at + 61 <= len(records):
        size = 12 + int.from_bytes(records[at + 8:at + 12], "big")
        if at + size > len(records):
            break
        one = bytearray(records[at:at + size])
        if len(one) > 51 and (one[22] & 8 or one[43:51] != b"\xff" * 8):
            one[17:21] = bytes(4)
            one[27:51] = bytes(24)
        out.append(one.hex())
        at += size
    return out


def differences(ours, theirs, path=""):
    """(path, ours, theirs) of each leaf that differs."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(set(ours) | set(theirs)):
            yield from differences(ours.get(key, "<absent>"), theirs.get(key, "<absent>"),
                                   f"{path}.{key}" if path else key)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for n, (one, other) in enumerate(zip(ours, theirs)):
            yield from differences(one, other, f"{path}[{n}]")
    elif ours != theirs:
        yield path, ours, theirs


class Explanations:
    """What may differ, as data: patterns over the case, the path and both values."""

    def __init__(self, path):
        self.entries = json.loads(path.read_text())
        self.used = [0] * len(self.entries)

    def explains(self, case, path, ours, theirs):
        text = {"case": f"{case.label} v{case.version}", "path": path,
                "flux": json.dumps(ours, default=repr), "kafka": json.dumps(theirs, default=repr)}
        for n, entry in enumerate(self.entries):
            if all(re.search(entry[key], text[key]) for key in text if key in entry):
                self.used[n] += 1
                return True
        return False

    def unused(self):
        return [entry for entry, used in zip(self.entries, self.used) if not used]


def prepare(side):
    """The topics that all requests are about."""
    topics = [{"name": name, "num_partitions": partitions, "replication_factor": 1,
               "configs": [{"name": k, "value": v} for k, v in settings.items()]}
              for name, (partitions, settings) in cases.TOPICS.items()]
    answer = side.connection.ask("create_topics", 5, {"topics": topics, "timeout_ms": 30_000})
    if any(topic["error"] for topic in answer["topics"]):
        sys.exit(f"{side.name}: {answer['topics']}")
    side.settle(cases.TOPICS)
    while side.connection.ask("init_producer_id", 4, {"transactional_id": None})["error"]:
        time.sleep(0.1)  # a Kafka that has just started has no ids to give


def compare(sides, served, options, explanations, note):
    """Sends all cases; returns (count, unexplained, rows of the page)."""
    flux, kafka = sides
    apis, count, unexplained, rows, begun = flux.connection.apis, 0, [], [], time.monotonic()
    for case in cases.all_cases(apis, served, options.seed, options.each):
        if options.api and case.api not in (*options.api, "init_producer_id"):
            continue
        answers = []
        for side in sides:
            answers.append(side.ask(case))
            if case.create:
                side.settle(case.create)
        ours, theirs = (side.renamed(answer) for side, answer in zip(sides, answers))
        count += 1
        if case.bad:
            rows.append((case, ours, theirs))
        for path, one, other in differences(ours, theirs):
            if not explanations.explains(case, path, one, other):
                unexplained.append((case, path, one, other))
                note.write(json.dumps([case.label, case.version, path, one, other],
                                      default=repr) + "\n")
        if count % 250 == 0:
            print(f"[{time.monotonic() - begun:5.0f}s] {count} requests, "
                  f"{len(unexplained)} differences unexplained", flush=True)
    return count, unexplained, rows


def report(count, unexplained, explanations, seconds):
    grouped = {}
    for case, path, ours, theirs in unexplained:
        key = (case.label, re.sub(r"\[\d+\]", "[]", path), repr(ours)[:150], repr(theirs)[:150])
        grouped.setdefault(key, []).append(case.version)
    for (label, path, ours, theirs), versions in grouped.items():
        shown = f"{min(versions)}-{max(versions)}" if len(versions) > 1 else versions[0]
        print(f"DIFFERS  {label} v{shown}: {path}\n         flux  {ours}\n         kafka {theirs}")
    for entry in explanations.unused():
        print(f"UNUSED   {entry['reason']}")
    explained = sum(explanations.used)
    print(f"{count} requests in {seconds:.0f} s, {explained} differences explained by "
          f"{len(explanations.entries)} reasons, {len(unexplained)} unexplained")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=6, help="drawn requests for each version")
    parser.add_argument("--api", action="append", help="only this API; may be repeated")
    parser.add_argument("--page", action="store_true", help="write docs/bad_input.md")
    return parser.parse_args()


def main():
    options = parse()
    why = brokers.missing_kafka()
    if why:
        print(f"skipped: differential: {why}\n0 passed, 0 failed")
        return 0
    folder = brokers.ROOT / "build" / "interop" / f"differential-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    fluxd = brokers.Fluxd(folder / "flux", *SETTINGS)
    kafka = brokers.Kafka(folder, *SETTINGS)
    begun = time.monotonic()
    try:
        sides = [Side("flux", fluxd.port), Side("kafka", kafka.port)]
        for side in sides:
            prepare(side)
        ranges = [side.served() for side in sides]
        served = {key: range(max(low, ranges[1][key][0]), min(high, ranges[1][key][1]) + 1)
                  for key, (low, high) in ranges[0].items() if key in ranges[1]}
        for side in sides:
            side.compared = set(served)
        explanations = Explanations(HERE / "explained.json")
        with open(folder / "differences.jsonl", "w", buffering=1) as note:
            count, unexplained, rows = compare(sides, served, options, explanations, note)
        harmed = []
        if not options.api:
            more, harmed = rough.compare(fluxd, kafka)
            rows += more
            count += len(more)
    finally:
        kafka.stop()
        status = fluxd.stop()
    report(count, unexplained, explanations, time.monotonic() - begun)
    for what in harmed:
        print(f"HARMED   {what}")
    if options.page:
        page.write(brokers.ROOT / "docs" / "bad_input.md", rows)
    failed = len(unexplained) + len(explanations.unused()) + len(harmed) + (status != 0)
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{count} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
