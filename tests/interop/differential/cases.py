"""The requests of the differential test: for each API in each version what is right and what is
wrong with it, and drawn ones by the definitions for every API that both brokers serve."""

import random
from dataclasses import dataclass, field

import batches
from admin_cases import ADMIN_CASES
from batches import batch, record

NOBODY = bytes(range(16))
ROUGH_PARTITIONS = 80
# name: partitions and settings; both brokers get them first.
TOPICS = {
    "plain": (3, {}), "rough": (ROUGH_PARTITIONS, {}), "small": (4, {"max.message.bytes": "300"}),
    "compact": (4, {"cleanup.policy": "compact"}), "scratch": (4, {}), "numbered": (16, {}),
    "stamped": (4, {"message.timestamp.type": "LogAppendTime"}),
}


class Id(str):
    """Stands for the id of the topic of this name."""


class Pid(str):
    """Stands for the producer id that this label was given."""


@dataclass
class Case:
    label: str
    api: str
    version: int
    value: dict = field(default_factory=dict)
    bad: str = ""        # what is wrong with it, for the page on bad input
    body: bytes = None   # instead of value: bytes as they are
    cut: int = 0         # bytes taken from (or, negative, added to) the end
    silent: bool = False  # no answer is expected: the next request shows whether it lives
    keep: str = ""       # remember the producer id of the answer under this label
    patience: int = 0    # seconds to wait where one of the two does not answer
    create: tuple = ()   # topics to wait for afterwards
    learn: str = ""      # what to take from the answer for requests behind it


def both(name):
    """A topic as all versions name it."""
    return {"name": name, "topic_id": Id(name) if name in TOPICS else NOBODY}


def produce(version, label, topics, bad="", acks=-1, **rest):
    value = {"acks": acks, "timeout_ms": 1000, "transactional_id": None, "topics": topics}
    value.update(rest.pop("value", {}))
    return Case(f"produce: {label}", "produce", version, value, bad=bad, silent=acks == 0, **rest)


def one(name, index, records):
    return [{**both(name), "partitions": [{"index": index, "records": records}]}]


GOOD_BATCHES = {
    "one record": lambda: batch(),
    "three records": lambda: batch([record(0), record(1, None, b""), record(2, b"", None)]),
    "headers": lambda: batch([record(0, headers=[(b"a", b"1"), (b"b", None), (b"a", b"")])]),
    "gzip": lambda: batch([record(0), record(1)], attributes=1, compress=batches.gzipped),
    "snappy": lambda: batch([record(0), record(1)], attributes=2, compress=batches.snappy),
    "zstd": lambda: batch([record(0), record(1)], attributes=4, compress=batches.zstd),
    "a leader epoch of its own": lambda: batch(leader_epoch=12),
    "timestamp 0": lambda: batch(base_time=0),
    "timestamp -1": lambda: batch(base_time=-1),
    "record timestamps out of order": lambda: batch(
        [record(0, time_delta=50), record(1, time_delta=-20)], max_time=1_050),
}
# What a broker has to refuse, or may not rely on.
BAD_BATCHES = {
    "no records (null)": lambda: None,
    "no records (empty)": lambda: b"",
    "wrong CRC": lambda: batch(crc=1),
    "magic 0": lambda: batches.old_message(0),
    "magic 1": lambda: batches.old_message(1),
    "magic 3": lambda: batch(magic=3),
    "magic -1": lambda: batch(magic=-1),
    "two batches": lambda: batch() + batch(),
    "bytes behind the batch": lambda: batch() + b"\0\0\0",
    "batch cut short": lambda: batch()[:-3],
    "batch header cut short": lambda: batch()[:30],
    "batch length too large": lambda: batch(length=10_000),
    "batch length too small": lambda: batch(length=20),
    "batch length negative": lambda: batch(length=-1),
    "record count 0": lambda: batch([]),
    "record count 0 with a record": lambda: batch(count=0, last_delta=0),
    "record count negative": lambda: batch(count=-1, last_delta=0),
    "record count too large": lambda: batch(count=3),
    "record count too small": lambda: batch([record(0), record(1)], count=1, last_delta=1),
    "last offset delta too large": lambda: batch(last_delta=5),
    "last offset delta too small": lambda: batch([record(0), record(1)], last_delta=0),
    "last offset delta negative": lambda: batch(last_delta=-1),
    "offset deltas with a gap": lambda: batch([record(0), record(2)]),
    "offset deltas that repeat": lambda: batch([record(0), record(0)]),
    "offset deltas from 1": lambda: batch([record(1), record(2)]),
    "record length too large": lambda: batch([record(0, length=60)]),
    "record length too small": lambda: batch([record(0, length=3)]),
    "record length negative": lambda: batch([record(0, length=-1)]),
    "header count negative": lambda: batch([record(0, header_count=-1)]),
    "header count too large": lambda: batch([record(0, header_count=9)]),
    "header name null": lambda: batch([record(0, headers=[(None, b"1")])]),
    "codec 5": lambda: batch(attributes=5),
    "codec 7": lambda: batch(attributes=7),
    "gzip that is none": lambda: batch(attributes=1),
    "snappy that is none": lambda: batch(attributes=2),
    "lz4 that is none": lambda: batch(attributes=3),
    "zstd that is none": lambda: batch(attributes=4),
    "gzip cut short": lambda: batch(attributes=1, compress=lambda p: batches.gzipped(p)[:-9]),
    "gzip with fewer records": lambda: batch([record(0)], count=2, attributes=1,
                                             compress=batches.gzipped),
    "gzip with more records": lambda: batch([record(0), record(1)], count=1, last_delta=0,
                                            attributes=1, compress=batches.gzipped),
    "control batch": lambda: batch(attributes=0x20),
    "transactional without a transaction": lambda: batch(attributes=0x10),
    "transactional with a producer": lambda: batch(attributes=0x10, producer_id=5, epoch=0,
                                                   sequence=0),
    "unused attribute bits": lambda: batch(attributes=0x100),
    "log append time from a client": lambda: batch(attributes=0x08),
    "timestamp far ahead": lambda: batch(base_time=1 << 50),
    "timestamp negative": lambda: batch(base_time=-5),
    "largest timestamp too small": lambda: batch([record(0, time_delta=9)], max_time=1_000),
    "producer id without epoch": lambda: batch(producer_id=5),
    "producer id without sequence": lambda: batch(producer_id=5, epoch=0),
    "producer nobody knows, sequence 0": lambda: batch(producer_id=987, epoch=0, sequence=0),
    "producer nobody knows, sequence 9": lambda: batch(producer_id=988, epoch=0, sequence=9),
    "negative producer id": lambda: batch(producer_id=-7, epoch=0, sequence=0),
    "base offset 77": lambda: batch(base_offset=77),
    "base offset negative": lambda: batch(base_offset=-4),
}


UNANSWERED = ("no records (null)",)


def produce_cases(version):
    for label, make in GOOD_BATCHES.items():
        yield produce(version, label, one("plain", 0, make()))
    for index, (label, make) in enumerate(BAD_BATCHES.items()):
        yield produce(version, label, one("rough", index, make()), bad=label,
                      patience=4 if label in UNANSWERED else 0)
    yield produce(version, "nothing asked", [])
    yield produce(version, "topic without partitions", [{**both("plain"), "partitions": []}])
    for label, name, index in (("unknown topic", "missing", 0), ("partition 99", "plain", 99),
                               ("partition -1", "plain", -1), ("invalid topic name", "a b!", 0),
                               ("empty topic name", "", 0)):
        yield produce(version, label, one(name, index, batch()), bad=label)
    for acks in (2, -2):
        yield produce(version, f"acks {acks}", one("plain", 1, batch()), acks=acks,
                      bad=f"acks={acks}")
    yield produce(version, "acks 1", one("plain", 1, batch()), acks=1)
    yield produce(version, "acks 0", one("plain", 1, batch()), acks=0)
    yield produce(version, "acks 0, wrong CRC", one("rough", 60, batch(crc=1)), acks=0,
                  bad="wrong CRC with acks=0")
    yield produce(version, "acks 0, unknown topic", one("missing", 0, batch()), acks=0,
                  bad="unknown topic with acks=0")
    # Whether it is stored is open, so it goes where nothing else is read.
    for timeout in (0, -1):
        yield produce(version, f"timeout {timeout}", one("rough", 61, batch()),
                      value={"timeout_ms": timeout})
    yield produce(version, "too large", one("small", 0, batch([record(0, value=b"x" * 400)])),
                  bad="batch above max.message.bytes")
    yield produce(version, "null key, compacted", one("compact", 0, batch([record(0, None)])),
                  bad="record without key to a compacted topic")
    yield produce(version, "one null key of two, compacted", one("compact", 1, batch(
        [record(0), record(1, None)])), bad="one record of two without key to a compacted topic")
    yield produce(version, "stamped", one("stamped", 0, batch([record(0), record(1)])))
    same = {**both("rough"), "partitions": [{"index": 62, "records": batch()}] * 2}
    yield produce(version, "partition twice", [same],
                  bad="a partition twice in one produce request")
    yield produce(version, "topic twice", one("rough", 63, batch()) + one("rough", 64, batch()))
    yield produce(version, "good beside bad", one("plain", 2, batch()) + one("missing", 0, batch()))
    yield from sequence_cases(version)


def sequence_cases(version):
    """An idempotent producer of its own for each version."""
    label, index = f"v{version}", version

    def send(what, sequence, bad="", epoch=0, records=None):
        value = {"acks": -1, "timeout_ms": 1000, "transactional_id": None, "topics": [
            {**both("numbered"), "partitions": [{"index": index, "records": (
                Pid(label), dict(epoch=epoch, sequence=sequence, records=records))}]}]}
        return Case(f"produce: {what}", "produce", version, value, bad=bad)

    yield Case("init_producer_id: for sequences", "init_producer_id", 4,
               {"transactional_id": None, "transaction_timeout_ms": 1000}, keep=label)
    two = [record(0), record(1)]
    yield send("sequence 0", 0)
    yield send("sequence 1, 2", 1, records=two)
    yield send("sequence repeated", 1, records=two, bad="last batch of a producer repeated")
    yield send("older sequence repeated", 0, bad="older batch of a producer repeated")
    yield send("sequence gap", 7, bad="gap in a producer's sequence")
    yield send("sequence within a batch", 2, bad="sequence inside an earlier batch")
    yield send("negative sequence", -1, bad="producer id with sequence -1")
    yield send("newer epoch, sequence 3", 3, epoch=1, bad="newer epoch, sequence not 0")
    yield send("newer epoch, sequence 0", 0, epoch=1)
    yield send("older epoch", 1, epoch=0, bad="older producer epoch")
    for n in range(1, 7):
        yield send(f"batch {n} of the newer epoch", n, epoch=1)
    yield send("batch before the last five", 0, epoch=1, bad="batch older than the last five")


def fetch(version, label, topics, bad="", **value):
    whole = {"replica_id": -1, "max_wait_ms": 0, "min_bytes": 0, "max_bytes": 1 << 20,
             "isolation_level": 0, "session_id": 0, "session_epoch": -1, "topics": topics,
             "forgotten_topics": [], "rack_id": ""}
    rest = {key: value.pop(key) for key in ("learn",) if key in value}
    return Case(f"fetch: {label}", "fetch", version, {**whole, **value}, bad=bad, **rest)


def wanted(name, index=0, offset=0, **more):
    return {**both(name), "partitions": [{
        "index": index, "current_leader_epoch": -1, "fetch_offset": offset,
        "last_fetched_epoch": -1, "log_start_offset": -1, "partition_max_bytes": 1 << 20, **more}]}


def fetch_cases(version):
    for offset in (0, 1, 2, 5):
        yield fetch(version, f"offset {offset}", [wanted("plain", 0, offset)])
    yield fetch(version, "end", [wanted("compact", 3, 0)])
    for label, arguments in {
            "offset behind the end": ("plain", 0, 1 << 40), "offset negative": ("plain", 0, -1),
            "unknown topic": ("missing",), "partition 99": ("plain", 99),
            "partition -1": ("plain", -1), "invalid topic name": ("a b!",)}.items():
        yield fetch(version, label, [wanted(*arguments)], bad=label)
    for limit in (0, 1, -1, 100):
        bad = f"limit {limit}" if limit < 0 else ""
        two = wanted("plain")
        two["partitions"] += wanted("plain", 1)["partitions"]
        yield fetch(version, f"max_bytes {limit}", [two],
                    bad and f"fetch max_bytes {limit}", max_bytes=limit)
        yield fetch(version, f"partition_max_bytes {limit}",
                    [wanted("plain", partition_max_bytes=limit)],
                    bad and f"fetch partition_max_bytes {limit}")
    yield fetch(version, "min_bytes, short wait", [wanted("compact", 3)], min_bytes=10,
                max_wait_ms=20)
    yield fetch(version, "negative wait", [wanted("compact", 3)], min_bytes=10, max_wait_ms=-5,
                bad="fetch max_wait_ms -5")
    yield fetch(version, "isolation 1", [wanted("plain")], isolation_level=1)
    yield fetch(version, "isolation 7", [wanted("plain")], isolation_level=7,
                bad="fetch isolation_level 7")
    yield fetch(version, "nothing asked", [])
    yield fetch(version, "partition twice", [wanted("plain", 1), wanted("plain", 1)],
                bad="a partition twice in one fetch")
    yield fetch(version, "log append time", [wanted("stamped")])
    yield fetch(version, "numbered", [wanted("numbered", 3)])
    yield fetch(version, "rack", [wanted("plain", 2)], rack_id="somewhere")
    if version >= 9:
        yield fetch(version, "leader epoch", [wanted("plain", 2, current_leader_epoch=0)])
        yield fetch(version, "leader epoch of the future", bad="leader epoch of the future",
                    topics=[wanted("plain", 2, current_leader_epoch=9)])
    if version >= 12:
        for epoch in (0, 3):
            yield fetch(version, f"last fetched epoch {epoch}",
                        [wanted("plain", 2, 1, last_fetched_epoch=epoch)])
    if version >= 7:
        yield fetch(version, "session 12345", [wanted("plain")], session_id=12345,
                    session_epoch=1, bad="unknown fetch session")
        yield fetch(version, "session without id", [], session_id=0, session_epoch=5,
                    bad="fetch session epoch without a session")
        yield fetch(version, "new session", [wanted("plain", 2), wanted("compact", 3)],
                    session_epoch=0, learn="session")
        for epoch, label in ((1, "nothing new"), (2, "again"), (9, "wrong epoch")):
            yield fetch(version, f"session, {label}", [], session_id="session",
                        session_epoch=epoch,
                        bad="wrong epoch of a fetch session" if epoch == 9 else "")


def list_offsets_cases(version):
    def ask(label, topics, bad="", **value):
        whole = {"replica_id": -1, "isolation_level": 0, "topics": topics, "timeout_ms": 1000}
        return Case(f"list_offsets: {label}", "list_offsets", version, {**whole, **value}, bad=bad)

    def at(name, index, timestamp, epoch=-1):
        return {"name": name, "partitions": [
            {"index": index, "current_leader_epoch": epoch, "timestamp": timestamp}]}

    for name in ("plain", "compact"):
        for timestamp in (-1, -2, -3, -4, -5, -6, -7, -100, 0, 999, 1_000, 1_001, 1 << 45):
            index = 0 if name == "plain" else 3
            bad = f"list_offsets timestamp {timestamp}" if timestamp < -6 else ""
            yield ask(f"{name} at {timestamp}", [at(name, index, timestamp)], bad)
    for label, arguments in {"unknown topic": ("missing", 0), "partition 99": ("plain", 99),
                             "partition -1": ("plain", -1), "invalid topic name": ("a b!", 0),
                             "empty topic name": ("", 0)}.items():
        yield ask(label, [at(*arguments, -1)], label)
    yield ask("isolation 1", [at("plain", 0, -1)], isolation_level=1)
    yield ask("isolation 5", [at("plain", 0, -1)], "list_offsets isolation_level 5",
              isolation_level=5)
    yield ask("leader epoch", [at("plain", 0, -1, 0)])
    yield ask("leader epoch of the future", [at("plain", 0, -1, 4)], "leader epoch of the future")
    yield ask("nothing asked", [])
    yield ask("partition twice", [at("plain", 1, -1), at("plain", 1, -2)],
              "a partition twice in one list_offsets")
    yield ask("no wait", [at("plain", 0, -1)], timeout_ms=0)


def metadata_cases(version):
    def ask(label, topics, bad="", **value):
        whole = {"topics": topics, "allow_auto_topic_creation": False}
        return Case(f"metadata: {label}", "metadata", version, {**whole, **value}, bad=bad)

    def named(name):
        return {"name": name, "topic_id": bytes(16)}

    yield ask("no topics", [])
    if version >= 1:
        yield ask("all", None)
    yield ask("one", [named("plain")])
    yield ask("two", [named("plain"), named("compact")])
    if version >= 4:
        for label, name in (("unknown topic", "missing"), ("invalid topic name", "a b!"),
                            ("empty topic name", ""), ("topic name of 250", "x" * 250),
                            ("topic name ..", "..")):
            yield ask(label, [named(name)], label)
        yield ask("good beside bad", [named("plain"), named("missing")])
        yield ask("invalid name, made if absent", [named("a b!")], "invalid topic name",
                  allow_auto_topic_creation=True)
    yield ask("twice", [named("plain"), named("plain")], "a topic twice in one metadata request")
    if version >= 8:
        yield ask("with operations", [named("plain")], include_topic_authorized_operations=True,
                  include_cluster_authorized_operations=version <= 10)
    if version >= 10:
        by_id = {"name": None if version >= 10 else "", "topic_id": Id("plain")}
        yield ask("by id", [by_id])
        yield ask("unknown topic id", [{"name": None, "topic_id": NOBODY}], "unknown topic id")
        yield ask("neither name nor id", [{"name": None, "topic_id": bytes(16)}],
                  "topic without name and id")
        yield ask("name and id", [{"name": "plain", "topic_id": Id("plain")}],
                  "metadata with name and id")


def api_versions_cases(version):
    for label, name, number in (("ordinary", "interop", "1.0"), ("name with blank", "a b", "1"),
                                ("empty name", "", ""), ("wrong version text", "a", "1 0")):
        bad = "" if label == "ordinary" else f"client software: {label}"
        yield Case(f"api_versions: {label}", "api_versions", version, {
            "client_software_name": name, "client_software_version": number},
            bad=bad if version >= 3 else "")


def create_topics_cases(version):
    def ask(label, topics, bad="", **value):
        return Case(f"create_topics: {label}", "create_topics", version,
                    {"topics": topics, "timeout_ms": 5000, **value}, bad=bad)

    def new(name, partitions=1, replicas=1, assignments=(), configs=()):
        return {"name": name, "num_partitions": partitions, "replication_factor": replicas,
                "assignments": [{"partition_index": p, "broker_ids": b} for p, b in assignments],
                "configs": [{"name": n, "value": v} for n, v in configs]}

    v = version
    made = [f"made-{v}-a", f"made-{v}-b"]
    yield Case(f"create_topics: two", "create_topics", v, {
        "topics": [new(made[0], 2), new(made[1], 1, 1, configs=[("retention.ms", "99999")])],
        "timeout_ms": 5000}, create=tuple(made))
    yield ask("validate only", [new(f"never-{v}", 3)], validate_only=True)
    yield ask("exists", [new("plain")], "topic exists")
    yield ask("exists, validate only", [new("plain")], "topic exists", validate_only=True)
    for label, name in (("invalid topic name", "a b!"), ("empty topic name", ""),
                        ("topic name ..", ".."), ("topic name .", "."),
                        ("topic name of 250", "x" * 250)):
        yield ask(label, [new(name)], label)
    never = f"never-{v}"
    for label, topic in {
            "0 partitions": new(never, 0), "-2 partitions": new(never, -2),
            "0 replicas": new(never, 1, 0), "-2 replicas": new(never, 1, -2),
            "2 replicas of 1": new(never, 1, 2),
            "assignment and partitions": new(never, 1, 1, [(0, [1])]),
            "assignment to nobody": new(never, -1, -1, [(0, [77])]),
            "assignment with a broker twice": new(never, -1, -1, [(0, [1, 1])]),
            "assignment from partition 1": new(never, -1, -1, [(1, [1])]),
            "assignment of a partition twice": new(never, -1, -1, [(0, [1]), (0, [1])]),
            "assignment without replicas": new(never, -1, -1, [(0, [])]),
            "unknown setting": new(never, configs=[("no.such.setting", "1")]),
            "wrong value of a setting": new(never, configs=[("retention.ms", "soon")]),
            "value out of range": new(never, configs=[("segment.bytes", "-5")]),
            "null value of a setting": new(never, configs=[("retention.ms", None)]),
            "unknown cleanup.policy": new(never, configs=[("cleanup.policy", "burn")]),
            "unknown compression.type": new(never, configs=[("compression.type", "rar")]),
            "min.insync.replicas 0": new(never, configs=[("min.insync.replicas", "0")]),
            "empty setting name": new(never, configs=[("", "1")])}.items():
        yield ask(label, [topic], f"new topic: {label}", validate_only=True)
    yield ask("topic twice", [new(never), new(never)], "a topic twice in one create_topics")
    yield ask("names that collide", [new(f"made.{v}.a"), new(f"x{v}.y_z"), new(f"x{v}_y.z")],
              "names that differ by . and _", validate_only=True)
    yield ask("assigned", [new(never, -1, -1, [(0, [1]), (1, [1])])], validate_only=True)
    yield ask("nothing asked", [])
    if v >= 4:
        yield ask("broker's defaults", [new(never, -1, -1)], validate_only=True)


def delete_topics_cases(version):
    def ask(label, names, bad="", ids=(), **value):
        topics = [{"name": n, "topic_id": bytes(16)} for n in names]
        topics += [{"name": n, "topic_id": i} for n, i in ids]
        return Case(f"delete_topics: {label}", "delete_topics", version, {
            "topics": topics, "topic_names": list(names), "timeout_ms": 5000, **value}, bad=bad)

    yield ask("unknown topic", ["missing"], "delete: unknown topic")
    yield ask("nothing asked", [])
    yield ask("invalid topic name", ["a b!"], "delete: invalid topic name")
    yield ask("unknown topic twice", ["missing", "missing"])
    yield ask("twice", ["plain", "plain", "missing"], "a topic twice in one delete_topics")
    if version + 1 <= 7:
        yield ask("one", [f"made-{version + 1}-a"])
        yield ask("deleted again", [f"made-{version + 1}-a"], "delete: a deleted topic")
    if version >= 6:
        yield ask("unknown topic id", [], "delete: unknown topic id", [(None, NOBODY)])
        yield ask("name and id", [], "delete: name and id", [("plain", NOBODY)])
        yield ask("id twice", [], "delete: an id twice", [(None, Id("plain"))] * 2)
        yield ask("name and its id apart", ["plain"], "delete: a topic by name and by id",
                  [(None, Id("plain"))])
        yield ask("neither name nor id", [], "delete: neither name nor id", [(None, bytes(16))])


def init_producer_id_cases(version):
    def ask(label, bad="", **value):
        return Case(f"init_producer_id: {label}", "init_producer_id", version, {
            "transactional_id": None, "transaction_timeout_ms": 60_000, **value}, bad=bad)

    yield ask("new")
    for timeout in (0, -1, 1 << 30):
        yield ask(f"timeout {timeout}", transaction_timeout_ms=timeout)
    yield ask("empty transactional id", "empty transactional id", transactional_id="")
    if version >= 3:
        yield ask("own id without epoch", "producer id without epoch", producer_id=5)
        yield ask("own epoch without id", "producer epoch without id", producer_epoch=5)
        yield ask("own id and epoch", "producer id that nobody gave", producer_id=5,
                  producer_epoch=1)


def describe_cluster_cases(version):
    for label, value in {"plain": {}, "operations": {"include_cluster_authorized_operations": True},
                         "fenced": {"include_fenced_brokers": True}}.items():
        if label != "fenced" or version >= 2:
            yield Case(f"describe_cluster: {label}", "describe_cluster", version, value)
    if version >= 1:
        for kind in (2, 0, 9):
            yield Case(f"describe_cluster: endpoints of type {kind}", "describe_cluster", version,
                       {"endpoint_type": kind}, bad=f"describe_cluster endpoint_type {kind}")


CASES = {"api_versions": api_versions_cases, "init_producer_id": init_producer_id_cases,
         "produce": produce_cases, "list_offsets": list_offsets_cases, "fetch": fetch_cases,
         "metadata": metadata_cases, "describe_cluster": describe_cluster_cases,
         "create_topics": create_topics_cases, "delete_topics": delete_topics_cases}


# What the cases by hand say enough about: every other field would matter no more.
DRAWN_ALWAYS = {"transactional_id": None, "session_id": 0, "session_epoch": -1, "replica_id": -1,
                "last_fetched_epoch": -1, "timeout_ms": 5_000, "forgotten_topics": []}
DRAWN_FROM = {"isolation_level": (0, 1), "acks": (-1, 1), "partition_max_bytes": (0, 1, 1 << 20),
              "max_bytes": (0, 1, 1 << 20)}


class Drawn:
    """Requests drawn by the definitions: names that exist and do not, numbers near the edges."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def value(self, message, fields, version):
        out = {}
        for entry in fields:
            if not message.has(entry, "versions", version, True) or "tag" in entry:
                continue
            out[entry["name"]] = self.field(message, entry, version)
        return out

    def field(self, message, entry, version):
        kind, name, pick = entry["type"], entry["name"], self.random.choice
        if name in DRAWN_ALWAYS:
            return DRAWN_ALWAYS[name]
        if name in DRAWN_FROM:
            return pick(DRAWN_FROM[name])
        if message.has(entry, "nullable", version, False) and self.random.random() < 0.1:
            return None
        if kind.startswith("[]"):
            inner = {"name": name, "type": kind[2:]}
            return self.unlike([self.field(message, inner, version)
                                for _ in range(pick((0, 1, 1, 1, 2)))])
        if kind == "records":
            return pick(list(GOOD_BATCHES.values()))()
        if kind == "string":
            return pick(("scratch", "scratch", "missing", "a b!", "", "none"))
        if kind == "uuid":
            return pick((Id("scratch"), NOBODY, bytes(16)))
        if kind == "bool":
            return pick((True, False))
        if kind.startswith("int"):
            return self.number(name)
        if kind not in message.structs:
            return b""
        return self.value(message, message.structs[kind], version)

    @staticmethod
    def unlike(items):
        """Without a second one of the same name: the cases by hand have those."""
        kept = {}
        for item in items:
            same = [item.get(k) for k in ("name", "topic_id", "index")] if isinstance(
                item, dict) else item
            kept.setdefault(repr(same), item)
        return list(kept.values())

    def number(self, name):
        pick = self.random.choice
        if "wait" in name or "timeout" in name:
            return pick((0, 1, 20))
        if "bytes" in name:
            return pick((0, 1, 1 << 20))
        return pick((-2, -1, 0, 0, 0, 1, 1, 2, 5, 99))


# Names that requests are drawn for would be made or lost: these are asked by hand alone.
NOT_DRAWN = {"create_topics", "delete_topics", "find_coordinator", "create_partitions",
             "metadata", "init_producer_id", "delete_records", "alter_configs",
             "incremental_alter_configs", "describe_configs", "describe_topic_partitions"}


def drawn_cases(apis, served, seed, each):
    drawn = Drawn(seed)
    for name, api in apis.items():
        if name in NOT_DRAWN:
            continue
        for version in served.get(api.key, ()):
            for n in range(each):
                value = drawn.value(api.request, api.request.fields, version)
                yield Case(f"{name}: drawn", name, version, value)
            yield Case(f"{name}: a byte short", name, version, value, cut=1,
                       bad=f"{name} a byte short")
            yield Case(f"{name}: empty body", name, version, body=b"", bad=f"{name} without a body")


def asker(name, version):
    """Makes the cases of one API in one version."""
    def ask(label, value, bad=""):
        return Case(f"{name}: {label}", name, version, value, bad=bad)
    return ask


def all_cases(apis, served, seed, each):
    for name, make in CASES.items():
        for version in served.get(apis[name].key, ()):
            yield from make(version)
    for name, make in ADMIN_CASES.items():
        for version in served.get(apis[name].key, ()):
            yield from make(asker(name, version), version)
    yield from drawn_cases(apis, served, seed, each)
