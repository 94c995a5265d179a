#!/usr/bin/env python3
"""Makes record/<record>.json: records of a metadata log that Apache Kafka wrote, and what
Kafka's own dump tool says is in them.

    kafka-dump-log.sh --cluster-metadata-decoder --files LOG > DUMP
    make_record_vectors.py LOG DUMP [LOG DUMP ...]

LOG is a segment or a snapshot of __cluster_metadata-0. The stored vectors come from one node of
Kafka 4.3.1 on which topics were created, configured and deleted and an idempotent producer wrote,
and which was then stopped and started again. Of each type and version the first few different
records are kept.

The dump leaves out tagged fields that hold their default, and so do the vectors.
"""

import json
import re
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCHEMA = HERE.parent.parent / "net" / "schema" / "record"
KEPT_MAX = 3
OUR_NAMES = {"partitionId": "partition", "kRaftVersion": "kraft_version",
             "kRaftVersionFeature": "kraft_version_feature"}
# Records that stand under a control record's key, as the dump tool calls them.
CONTROLS = {"LeaderChange": "leader_change_message", "KRaftVersion": "kraft_version_record",
            "SnapshotHeader": "snapshot_header_record", "SnapshotFooter": "snapshot_footer_record",
            "KRaftVoters": "voters_record"}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7


def record_values(data):
    """{offset: value} of every record in a segment whose batches are not compressed."""
    out, at = {}, 0
    while at + 61 <= len(data):
        base, size = struct.unpack_from(">qi", data, at)
        count, = struct.unpack_from(">i", data, at + 57)
        where = at + 61
        for _ in range(count):
            length, where = varint(data, where)
            end = where + length
            where += 1
            _, where = varint(data, where)
            delta, where = varint(data, where)
            key, where = varint(data, where)
            where += max(key, 0)
            value, where = varint(data, where)
            out[base + delta] = data[where:where + value]
            where = end
        at += 12 + size
    return out


def unsigned_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7


def our_name(name):
    return OUR_NAMES.get(name) or re.sub("([A-Z])", lambda m: "_" + m.group(1).lower(), name)


def our_value(value):
    if isinstance(value, dict):
        return {our_name(key): our_value(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [our_value(inner) for inner in value]
    return value


def dumped(text):
    """(offset, record name, version, fields) of each line that the dump tool decoded."""
    for line in text.splitlines():
        metadata = re.match(r"\| offset: (\d+) .* payload: (\{.*\})$", line)
        if metadata:
            payload = json.loads(metadata.group(2))
            yield (int(metadata.group(1)), payload["type"].lower(), payload["version"],
                   our_value(payload["data"]))
        control = re.match(r"\| offset: (\d+) .* (\w+):? (\{.*\})$", line)
        if control and control.group(2) in CONTROLS:
            fields = our_value(json.loads(control.group(3)))
            version = fields.pop("version")
            fields["message_version"] = version
            yield int(control.group(1)), CONTROLS[control.group(2)], version, fields


def collect(vectors, log, dump):
    values = record_values(Path(log).read_bytes())
    for offset, name, version, fields in dumped(Path(dump).read_text()):
        if not (SCHEMA / f"{name}.json").exists():
            continue
        data, at = values[offset], 0
        if name not in CONTROLS.values():
            for _ in ("frame version", "type", "version"):
                _, at = unsigned_varint(data, at)
        known = vectors.setdefault(name, [])
        vector = {"version": version, "bytes": data[at:].hex(), "value": fields}
        if vector not in known and sum(v["version"] == version for v in known) < KEPT_MAX:
            known.append(vector)


def main(files):
    vectors = {}
    for log, dump in zip(files[::2], files[1::2]):
        collect(vectors, log, dump)
    for name, known in sorted(vectors.items()):
        lines = ",\n".join(json.dumps(vector) for vector in known)
        (HERE / "record" / f"{name}.json").write_text(f"[\n{lines}\n]\n")
        print(f"{name}: {len(known)} vectors", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(sys.argv[1:])
