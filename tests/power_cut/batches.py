"""Record batches, made and taken apart by hand.

The compressed ones use the codecs' own way to say "these bytes as they are" where Python has no
such codec: a snappy literal, an uncompressed lz4 block, a raw zstd block.
"""

import gzip
import struct
import time
from dataclasses import dataclass

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
HEADER = struct.Struct(">qiibIhiqqqhii")
UNBOUND = 16  # bytes before it (base offset, length, leader epoch) are the broker's to set


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ 0x82F63B78 if value & 1 else value >> 1
        table.append(value)
    return table


CRC_TABLE = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def varint(value):
    value = value << 1 ^ value >> 63
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def record(delta, key, value):
    body = b"\0" + varint(0) + varint(delta) + varint(len(key)) + key + varint(len(value)) + value \
        + varint(0)
    return varint(len(body)) + body


def snappy(data):
    size, rest = bytearray(), len(data)
    while rest > 0x7F:
        size.append(rest & 0x7F | 0x80)
        rest >>= 7
    size.append(rest)
    return bytes(size) + b"\xf4" + struct.pack("<H", len(data) - 1) + data


def lz4(data):
    return bytes.fromhex("04224d18604082") + struct.pack("<I", len(data) | 1 << 31) + data \
        + bytes(4)


def zstd(data):
    return bytes.fromhex("28b52ffda0") + struct.pack("<I", len(data)) \
        + struct.pack("<I", len(data) << 3 | 1)[:3] + data


COMPRESS = {"none": bytes, "gzip": lambda data: gzip.compress(data, 1, mtime=0), "snappy": snappy,
            "lz4": lz4, "zstd": zstd}


@dataclass(slots=True)
class Producer:
    id: int = -1
    epoch: int = -1


def now_ms():
    """For records that retention is to leave alone."""
    return int(time.time() * 1000)


def make(values, codec, producer, sequence, timestamp_ms):
    """One batch of at most 60 KiB with a record for each value."""
    records = b"".join(record(i, b"k", value) for i, value in enumerate(values))
    tail = struct.pack(">hiqqqhii", CODECS.index(codec), len(values) - 1, timestamp_ms,
                       timestamp_ms, producer.id, producer.epoch,
                       sequence if producer.id >= 0 else -1, len(values)) \
        + COMPRESS[codec](records)
    return struct.pack(">qiibI", 0, 9 + len(tail), 0, 2, crc32c(tail)) + tail


@dataclass(slots=True)
class Stored:
    """A batch as a log holds it. `content` is what the producer made."""
    base: int
    count: int
    producer: int
    sequence: int
    content: bytes

    @property
    def end(self):
        return self.base + self.count


def split(data):
    """The whole batches of a fetch."""
    out, at = [], 0
    while len(data) - at >= HEADER.size:
        (base, length, _, _, _, _, last, _, _, producer, _, sequence,
         _) = HEADER.unpack_from(data, at)
        if at + 12 + length > len(data):
            break
        out.append(Stored(base, last + 1, producer, sequence, data[at + UNBOUND:at + 12 + length]))
        at += 12 + length
    return out
