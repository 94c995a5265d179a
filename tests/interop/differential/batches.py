"""Record batches of version 2, right ones and, field by field, wrong ones."""

import gzip
import struct
import zlib

CRC_START = 21  # of what the CRC covers: the attributes and all behind them


def make_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


TABLE = make_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def zigzag(value):
    value, out = (value << 1 ^ value >> 63) & (1 << 64) - 1, bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def blob(content):
    return zigzag(-1) if content is None else zigzag(len(content)) + content


def record(delta, key=b"k", value=b"v", headers=(), time_delta=0, attributes=0, length=None,
           header_count=None):
    body = struct.pack(">b", attributes) + zigzag(time_delta) + zigzag(delta)
    body += blob(key) + blob(value)
    body += zigzag(len(headers) if header_count is None else header_count)
    for name, content in headers:
        body += blob(name) + blob(content)
    return zigzag(len(body) if length is None else length) + body


def batch(records=None, count=None, base_offset=0, length=None, leader_epoch=-1, magic=2, crc=None,
          attributes=0, last_delta=None, base_time=1_000, max_time=None, producer_id=-1, epoch=-1,
          sequence=-1, compress=None):
    records = [record(0)] if records is None else records
    count = len(records) if count is None else count
    payload = b"".join(records)
    payload = compress(payload) if compress else payload
    covered = struct.pack(">hiqqqhii", attributes, count - 1 if last_delta is None else last_delta,
                          base_time, base_time if max_time is None else max_time, producer_id,
                          epoch, sequence, count) + payload
    crc = crc32c(covered) if crc is None else crc
    inner = struct.pack(">ibI", leader_epoch, magic, crc) + covered
    return struct.pack(">qi", base_offset, len(inner) if length is None else length) + inner


def gzipped(payload):
    return gzip.compress(payload, mtime=0)


def snappy(payload):
    """One literal, without Java's frame."""
    assert len(payload) < 60
    return bytes([len(payload), (len(payload) - 1) << 2]) + payload


def zstd(payload):
    """One raw block."""
    assert len(payload) < 256
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(payload)]) + struct.pack(
        "<I", len(payload) << 3 | 1)[:3] + payload


def old_message(magic):
    """A message set of one entry, as before version 2."""
    body = struct.pack(">bb", magic, 0) + (struct.pack(">q", 1_000) if magic else b"")
    body += struct.pack(">i", 1) + b"k" + struct.pack(">i", 1) + b"v"
    return struct.pack(">qiI", 0, len(body) + 4, zlib.crc32(body)) + body
