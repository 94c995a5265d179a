#!/usr/bin/env python3
"""Makes api/<message>.json: bytes of every API message in every version, as other
people's code writes them.

    python3 -m venv DIR && DIR/bin/pip install kafka-python==3.0.12 kio==0.6.5
    DIR/bin/python make_vectors.py

The values are ours, made by rule from net/schema; kafka-python turns them into bytes. Where kio can
represent the values, it must read those bytes and write the same ones. Its fields are matched with
ours by position, so a field that we have in the wrong place, in the wrong version or of the wrong
type shows as different bytes, or right here.
"""

import importlib
import io
import json
import re
import sys
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import kio.serial
from kafka.protocol import admin, consumer, metadata, producer

HERE = Path(__file__).resolve().parent
SCHEMA = HERE.parent.parent / "net" / "schema"
EVER = 1000
INTEGER_BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}

# The smallest well-formed content of a records field here: what matters is where it lies.
RECORDS = bytes(range(1, 70))


def load(path):
    return json.loads(re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.M))


def parse_range(text, around):
    if text == "none":
        return range(0)
    low, _, high = text.rstrip("+").partition("-")
    high = around[-1] if text.endswith("+") else int(high or low)
    return range(max(int(low), around[0]), high + 1)


class Values:
    """Values by rule: everything is there and different (`full`), or as little as there can be."""

    def __init__(self, full):
        self.full = full
        self.drawn = 0

    def number(self):
        self.drawn += 1
        return self.drawn

    def scalar(self, field):
        """The value as JSON has it."""
        kind = field["type"].removeprefix("[]")
        n = self.number()
        if kind == "bool":
            return self.full and n % 2 == 1
        if kind in INTEGER_BITS:
            if field.get("domain") == "ErrorCode":
                return 3 if self.full else 0
            top = 2 ** (INTEGER_BITS[kind] - 1)
            return (n * 0x01030507090B0D % top) if self.full else -1
        if kind == "uuid":
            return self.uuid(n)
        if kind == "string":
            return f"{field['name']}-{n}" if self.full else ""
        if kind == "records":
            return RECORDS.hex() if self.full else ""
        if kind == "bytes":
            return f"{n:02x}" * n if self.full else ""
        raise SystemExit(f"no rule for {kind}")

    def uuid(self, n):
        raw = uuid.UUID(int=(n << 120) + n if self.full else 0).bytes
        return urlsafe_b64encode(raw).decode().rstrip("=")


def to_python(kind, value):
    """The value as kafka-python takes it."""
    if kind == "uuid":
        return uuid.UUID(int=int.from_bytes(decode_uuid(value), "big"))
    if kind in ("records", "bytes"):
        return bytes.fromhex(value)
    if kind == "bits":
        return {bit for bit in range(32) if value >> bit & 1}
    return value


def decode_uuid(text):
    return urlsafe_b64decode(text + "==")


def build(fields, theirs, structs, version, around, values):
    """(JSON value with our names, keyword arguments with theirs) of a struct."""
    ours_json, theirs_args = {}, {}
    # They also have fields of versions that are not released.
    theirs = [their for their in theirs if any(their.for_version_q(v) for v in around)]
    if len(fields) != len(theirs):
        raise SystemExit(f"{[f['name'] for f in fields]} against {[f.name for f in theirs]}")
    for field, their in zip(fields, theirs):
        versions = parse_range(field["versions"], around) if "versions" in field else around
        if (version in versions) != their.for_version_q(version):
            raise SystemExit(f"{field['name']} and {their.name} differ in version {version}")
        kind = field["type"].removeprefix("[]")
        if "fields" in field:
            structs[kind] = field["fields"]
        if version not in versions:
            continue
        nullable = version in parse_range(field.get("nullable", "none"), versions)
        if not values.full and "tag" in field:
            continue  # an absent tagged field is the least there can be
        if not values.full and nullable:
            ours_json[field["name"]] = theirs_args[their.name] = None
            continue
        one, two = build_value(field, their, structs, version, versions, values)
        ours_json[field["name"]], theirs_args[their.name] = one, two
    return ours_json, theirs_args


def build_value(field, their, structs, version, versions, values):
    kind = field["type"].removeprefix("[]")
    array = field["type"].startswith("[]")
    count = (2 if values.full else 0) if array else 1
    pairs = []
    for _ in range(count):
        if kind in structs:
            one, args = build(structs[kind], their.fields_list(), structs, version, versions,
                              values)
            pairs.append((one, their.make(args, version)))
        else:
            one = values.scalar(field)
            pairs.append((one, to_python("bits" if their.is_bits() else kind, one)))
    if array:
        return [one for one, _ in pairs], [two for _, two in pairs]
    return pairs[0]


class Theirs:
    """A field of kafka-python, with what build() asks of it."""

    def __init__(self, field):
        self.field = field
        self.name = field.name

    def for_version_q(self, version):
        return self.field.for_version_q(version)

    def is_bits(self):
        """Operations that a client may do: an integer for us, a set of bits for kafka-python."""
        return self.field.type_str == "bitfield"

    def fields_list(self):
        return [Theirs(field) for field in self.field.fields.values()]

    def make(self, args, version):
        return self.field.data_class(version=version, **args)


def their_class(name):
    for module in (producer, consumer, metadata, admin):
        if hasattr(module, name):
            return getattr(module, name)
    raise SystemExit(f"kafka-python has no {name}")


def kio_agrees(api, half, version, data):
    """None when kio cannot say."""
    name = "".join(part.capitalize() for part in f"{api}_{half}".split("_"))
    try:
        module = importlib.import_module(f"kio.schema.{api}.v{version}.{half}")
        entity = getattr(module, name)
        value, size = kio.serial.entity_reader(entity)(data, 0)
    except (ImportError, ValueError, TypeError, kio.serial.errors.SerialError):
        return None
    out = io.BytesIO()
    kio.serial.entity_writer(entity)(out, value)
    return size == len(data) and out.getvalue() == data


def make_message(definition, half):
    name = f"{definition['name']}_{half}"
    cls = their_class("".join(part.capitalize() for part in name.split("_")))
    around = parse_range(definition["versions"], range(0, EVER))
    vectors, agreed = [], 0
    for version in around:
        for full in (True, False):
            fields = definition[half]["fields"]
            value, args = build(fields, [Theirs(f) for f in cls._struct._fields], {}, version,
                                around, Values(full))
            data = bytes(cls[version](**args).encode())
            said = kio_agrees(definition["name"], half, version, data)
            if said is False:
                raise SystemExit(f"{name} v{version}: kio and kafka-python differ: {data.hex()}")
            agreed += said is True
            vectors.append({"version": version, "bytes": data.hex(), "value": value})
    return name, vectors, agreed


def main():
    for path in sorted(SCHEMA.glob("*.json")):
        definition = load(path)
        for half in ("request", "response"):
            name, vectors, agreed = make_message(definition, half)
            lines = ",\n".join(json.dumps(vector) for vector in vectors)
            (HERE / "api" / f"{name}.json").write_text(f"[\n{lines}\n]\n")
            print(f"{name}: {len(vectors)} vectors, kio agrees on {agreed}", file=sys.stderr)


if __name__ == "__main__":
    main()
