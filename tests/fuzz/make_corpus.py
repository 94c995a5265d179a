#!/usr/bin/env python3
"""Writes the seed inputs of the corpora below this folder, but for wire/corpus/request and
response, which have a program of their own. What a search found stays beside them. With a folder as
its argument it writes there instead."""

import json
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
TO = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
TREE = HERE.parent.parent
BATCHES = HERE / "core_record/corpus"
HEADER_BYTES = 61  # of a batch
# Of the metadata records that are folded into an image, by the name of their vectors.
RECORD_TYPES = {"topic_record": 2, "partition_record": 3, "config_record": 4,
                "partition_change_record": 5, "remove_topic_record": 9, "feature_level_record": 12,
                "producer_ids_record": 15, "no_op_record": 20, "register_broker_record": 27}
SCENARIO = '{"workload": [{"kind": "produce_consume", "clients": {"draw": [1, 4]}}]}'


def put(folder, name, content):
    path = TO / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def codecs():
    for number, name in enumerate(("none", "gzip", "snappy", "lz4", "zstd")):
        packed = (BATCHES / f"{name}_1.bin").read_bytes()[HEADER_BYTES:]
        put("core_record/corpus_codec", f"{name}.bin", bytes([number]) + packed)
        put("core_record/corpus_codec", f"{name}_back.bin", bytes([0x80 + number]) + b"abc" * 20)


def entry(kind, position, length, synced, base, end, synced_offset):
    """An integrity entry as fields, the check left to the target."""
    return struct.pack(">B3xIIIqqqQQ8x", kind, position, length, synced, base, end, synced_offset,
                       1, 0)


def log_files():
    offsets = struct.pack(">iiii", 5, 100, 9, 5000)
    times = struct.pack(">qiqi", 1_700_000_000_000, 4, 1_700_000_000_100, 9)
    put("core_log/corpus/index", "offsets.bin", b"\0" + offsets)
    put("core_log/corpus/index", "times.bin", b"\1" + times)
    header = b"FLUXINTG" + struct.pack(">IiQQq24x", 1, 1, 0x1122, 0x3344, 42)
    put("core_log/corpus/integrity", "header.bin", b"\0" + header)
    batch = (BATCHES / "none_1.bin").read_bytes()
    block = entry(0, 0, len(batch), 0, 0, 1, 0)
    put("core_log/corpus/integrity", "block.bin", b"\1" + block + batch)
    put("core_log/corpus/text", "epochs.bin", b"\0" + b"0\n2\n0 0\n3 17\n")
    put("core_log/corpus/text", "metadata.bin",
        b"\1version: 0\ntopic_id: ut02_3-BQKOoZ5nfA9ZDsw")
    put("core_log/corpus/text", "name.bin", b"\2" + b"00000000000000000042.timeindex")
    mark = entry(1, len(batch), 0, len(batch), 1, 1, 1)
    rows = {"plain": (0, batch, b"", b"", b""), "raw": (1, batch, b"", b"", b""),
            "marked": (0, batch, mark, b"", b""), "torn": (0, batch * 2, b"", b"", b""),
            "two": (2, batch, mark, batch, mark), "block": (8, batch, block + mark, b"", b"")}
    for name, (flags, *parts) in rows.items():
        shares = [-(-len(part) // (64 if i % 2 else 4)) for i, part in enumerate(parts)]
        padded = b"".join(part.ljust(share * (64 if i % 2 else 4), b"\0")
                          for i, (part, share) in enumerate(zip(parts, shares)))
        put("core_log/corpus/open", f"{name}.bin", bytes([flags, *shares]) + padded)


def vectors(path):
    return json.loads(path.read_text()) if path.exists() else []


def metadata():
    every = b""
    for name, kind in RECORD_TYPES.items():
        for vector in vectors(TREE / f"tests/vectors/record/{name}.json")[:1]:
            value = bytes([1, kind, vector["version"]]) + bytes.fromhex(vector["bytes"])
            record = struct.pack(">H", len(value)) + value
            every += record
            put("controller/corpus/record", f"{name}.bin", record)
    put("controller/corpus/record", "all.bin", every)
    properties = ("#\nversion=1\ncluster.id=x\nnode.id=1\n"
                  "directory.id=ut02_3-BQKOoZ5nfA9ZDsw\n")
    put("controller/corpus/text", "meta.bin", b"\0\0" + properties.encode())
    put("controller/corpus/text", "snapshot.bin",
        b"\1\0" + b"00000000000000000042-0000000003.checkpoint")
    put("controller/corpus/text", "topic.bin", b"\2\0orders")
    for which in range(0, 40, 4):
        put("controller/corpus/text", f"setting_{which}.bin", bytes([3, which]) + b"1024")
    put("node/corpus", "server_properties.bin",
        "node.id=1\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
        "advertised.listeners=PLAINTEXT://a:9092\nlog.dirs=/d\nnum.partitions=3\n"
        "log.retention.hours=168\nflux.read.verify=always\nlog.flux.durability=fsync\n")


def requests():
    """Frames of every request in its lowest and its highest version."""
    listed = {}
    for path in sorted((TREE / "net/schema").glob("*.json")):
        lines = path.read_text().splitlines()
        schema = json.loads("\n".join(x for x in lines if not x.strip().startswith("//")))
        if "key" in schema:
            listed[schema["name"]] = schema
    for name, schema in listed.items():
        known = vectors(TREE / f"tests/vectors/api/{name}_request.json")
        by_version = {v["version"]: v for v in sorted(known, key=lambda v: len(v["bytes"]))}
        flexible = str(schema.get("flexible", "none")).rstrip("+")
        for version in {min(by_version, default=None), max(by_version, default=None)} - {None}:
            tagged = b"\0" if flexible.isdigit() and version >= int(flexible) else b""
            frame = struct.pack(">hhi", schema["key"], version, 7) + b"\0\1f" + tagged
            frame += bytes.fromhex(by_version[version]["bytes"])
            framed = struct.pack(">i", len(frame)) + frame
            put("server/corpus", f"{name}_v{version}.bin", b"\xff" + framed)
            put("wire/corpus/header", f"{name}_v{version}.bin", framed[:24])


def simulator():
    put("sim_run/corpus/scenario", "small.bin", SCENARIO)
    put("sim_run/corpus/scenario", "power_cut.bin",
        (TREE / "scenarios/power_cut.json").read_text())
    tape = {"format": "flux-tape-1", "name": "x", "seed": 1, "settings": [], "verdict": "held",
            "hash": "0", "scenario": SCENARIO, "plan": [{"fault": "kill", "ordinal": 1}],
            "decisions": [["00000000000000ff", "a", 10, 3]]}
    put("sim_run/corpus/tape", "small.bin", json.dumps(tape))
    put("sim_run/corpus/record", "small.bin", "flux-node-1\n")
    put("sim_run/corpus/seam", "one.bin", b"fluxseam" + bytes(56))
    put("sim_run/corpus/seam", "report.bin", '{"verdict": "held", "hash": "1", "counts": {}}')


def main():
    codecs()
    log_files()
    metadata()
    requests()
    simulator()


if __name__ == "__main__":
    main()
