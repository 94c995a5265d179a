"""Kafka's protocol from the definitions in net/schema, read by rule: requests to bytes and answers
back, in every version. It shares nothing with the broker's codec but the definitions."""

import json
import re
import struct
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
EVER = 32767
NUMBERS = {"bool": ">?", "int8": ">b", "int16": ">h", "int32": ">i", "int64": ">q",
           "uint16": ">H", "uint32": ">I", "float64": ">d"}


class BadAnswer(Exception):
    """Bytes that are not what the definitions allow."""


def version_range(text, low=0, high=EVER):
    if text == "none":
        return range(0)
    first, _, last = text.partition("-")
    if text.endswith("+"):
        first, last = text[:-1], high
    return range(max(low, int(first)), min(high, int(last or first)) + 1)


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count < 0 or self.at + count > len(self.data):
            raise BadAnswer(f"{count} bytes wanted, {len(self.data) - self.at} left")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value


class Message:
    """The request or the response of an API."""

    def __init__(self, definition, fields):
        self.versions = version_range(definition["versions"])
        self.flexible_versions = version_range(definition["flexible"])
        self.structs, self.fields = {}, fields
        self.collect(fields)

    def collect(self, fields):
        for field in fields:
            if "fields" in field:
                self.structs[field["type"].removeprefix("[]")] = field["fields"]
                self.collect(field["fields"])

    def has(self, field, key, version, otherwise):
        return version in version_range(field[key]) if key in field else otherwise

    def encode(self, value, version):
        return self.encode_struct(self.fields, value, version)

    def encode_struct(self, fields, value, version):
        flexible, out, tagged = version in self.flexible_versions, [], {}
        unknown = set(value) - {field["name"] for field in fields} - {"_tags"}
        if unknown:
            raise KeyError(f"no field is called {sorted(unknown)}")
        for field in fields:
            if not self.has(field, "versions", version, True):
                continue
            name = field["name"]
            if "tag" in field:
                if flexible and name in value:
                    tagged[field["tag"]] = self.encode_field(field, value[name], version)
                continue
            given = value[name] if name in value else self.default(field, version)
            out.append(self.encode_field(field, given, version))
        if flexible:
            tagged.update(value.get("_tags", {}))
            out.append(varint(len(tagged)))
            for tag, content in sorted(tagged.items()):
                out += varint(tag), varint(len(content)), content
        return b"".join(out)

    def default(self, field, version):
        if "default" in field and field["default"] is not None:
            return field["default"]
        kind = field["type"]
        if "default" in field and self.has(field, "nullable", version, kind == "records"):
            return None
        if kind.startswith("[]"):
            return []
        if kind in NUMBERS:
            return 0
        return {"string": "", "bytes": b"", "records": None, "uuid": bytes(16)}.get(kind, {})

    def encode_field(self, field, value, version):
        kind, flexible = field["type"], version in self.flexible_versions
        if kind.startswith("[]"):
            if value is None:
                return self.length(None, flexible, ">i")
            inner = {"type": kind[2:]}
            return self.length(len(value), flexible, ">i") + b"".join(
                self.encode_field(inner, one, version) for one in value)
        if kind in NUMBERS:
            return struct.pack(NUMBERS[kind], value)
        if kind == "uuid":
            return value
        if kind in ("string", "bytes", "records"):
            form = ">h" if kind == "string" else ">i"
            if value is None:
                return self.length(None, flexible, form)
            value = value.encode() if isinstance(value, str) else value
            return self.length(len(value), flexible, form) + value
        if field.get("nullable") and "tag" not in field:
            if value is None:
                return b"\xff"
            return b"\x01" + self.encode_struct(self.structs[kind], value, version)
        return self.encode_struct(self.structs[kind], value, version)

    @staticmethod
    def length(count, flexible, form):
        if flexible:
            return varint(0 if count is None else count + 1)
        return struct.pack(form, -1 if count is None else count)

    def decode(self, data, version, at=0):
        reader = Reader(data)
        reader.at = at
        value = self.decode_struct(self.fields, reader, version)
        if reader.at != len(data):
            raise BadAnswer(f"{len(data) - reader.at} bytes behind the end of the message")
        return value

    def decode_struct(self, fields, reader, version):
        value, tags = {}, {}
        for field in fields:
            if not self.has(field, "versions", version, True):
                continue
            if "tag" in field:
                tags[field["tag"]] = field
            else:
                value[field["name"]] = self.decode_field(field, reader, version)
        if version in self.flexible_versions:
            for _ in range(reader.varint()):
                tag, size = reader.varint(), reader.varint()
                inner = Reader(reader.take(size))
                if tag in tags:
                    value[tags[tag]["name"]] = self.decode_field(tags[tag], inner, version)
                else:
                    value[f"tag {tag}"] = inner.data.hex()
        return value

    def decode_field(self, field, reader, version):
        kind, flexible = field["type"], version in self.flexible_versions
        if kind.startswith("[]"):
            count = self.read_length(reader, flexible, ">i")
            inner = {"type": kind[2:]}
            return None if count < 0 else [
                self.decode_field(inner, reader, version) for _ in range(count)]
        if kind in NUMBERS:
            return reader.number(NUMBERS[kind])
        if kind == "uuid":
            return reader.take(16).hex()
        if kind in ("string", "bytes", "records"):
            size = self.read_length(reader, flexible, ">h" if kind == "string" else ">i")
            if size < 0:
                return None
            content = reader.take(size)
            return content.decode() if kind == "string" else bytes(content)
        if field.get("nullable") and "tag" not in field:
            if reader.number(">b") < 0:
                return None
        return self.decode_struct(self.structs[kind], reader, version)

    @staticmethod
    def read_length(reader, flexible, form):
        return reader.varint() - 1 if flexible else reader.number(form)


class Api:
    def __init__(self, definition):
        self.name, self.key = definition["name"], definition["key"]
        self.request = Message(definition, definition["request"]["fields"])
        self.response = Message(definition, definition["response"]["fields"])
        self.versions = self.request.versions

    def frame(self, value, version, correlation, client_id="interop"):
        """A whole request with its length."""
        return self.framed_body(self.request.encode(value, version), version, correlation,
                                client_id)

    def framed_body(self, body, version, correlation, client_id="interop"):
        header = struct.pack(">hhi", self.key, version, correlation)
        header += struct.pack(">h", len(client_id)) + client_id.encode()
        if version in self.request.flexible_versions:
            header += b"\0"
        return struct.pack(">i", len(header) + len(body)) + header + body

    def answer(self, data, version):
        """The value of an answer without its length, correlation id and tags of the header."""
        at = 4
        if version in self.response.flexible_versions and self.name != "api_versions":
            at += 1  # no broker puts tags there
        return self.response.decode(data, version, at)


def load_apis():
    apis = {}
    for path in sorted((ROOT / "net" / "schema").glob("*.json")):
        definition = json.loads(re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.M))
        if definition["kind"] == "api":
            apis[definition["name"]] = Api(definition)
    return apis
