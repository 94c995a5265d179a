"""The records of the interop matrix, by rule from a seed, and digests of what a client read.

README.md has the rule in words; every client program follows it in its own language. All numbers
are 32 bits wide and wrap.
"""

import hashlib
import struct

PATTERN_BYTES = 4096
MASK = 0xFFFFFFFF
LENGTH = struct.Struct(">i")
TIMESTAMP = struct.Struct(">q")


def mix(x):
    """A known mixer of 32 bits: each bit of the result depends on each of x."""
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & MASK
    x = ((x ^ (x >> 15)) * 0x846CA68B) & MASK
    return x ^ (x >> 16)


class Generator:
    """Records 0, 1, 2, ... of a seed. Not all clients can send all shapes:

    full    whatever a record may hold
    filled  no null as a header's value, and no record without both key and value
    text    what kcat can be told on its input: printable values, no empty ones, one and the same
            header, and the time is kcat's own
    """

    def __init__(self, seed, base_ms, shape="full"):
        self.seed, self.base_ms = seed, base_ms
        self.text, self.filled = shape == "text", shape == "filled"
        self.pattern = bytes(self.pattern_byte(j) for j in range(PATTERN_BYTES + 256))

    def pattern_byte(self, j):
        drawn = mix(self.seed ^ j)
        return 97 + j % 26 if self.text or j & 64 else drawn & 255

    def record(self, i):
        """(key, value, headers, timestamp) of record i; it belongs to partition i modulo all."""
        h = mix((self.seed + i * 0x9E3779B9) & MASK)
        at, length = h % PATTERN_BYTES, (h >> 12) % 200
        key = b"k%d" % ((h >> 16) % 1000)
        if h % 61 == 0:
            value = None
        elif h % 61 == 1 and not self.text:
            value = b""
        else:
            value = b"%d:" % i + self.pattern[at:at + length]
        if (h >> 8) % 5 == 0:
            key = None
        elif (h >> 8) % 5 == 1 and not self.text:
            key = b""
        if self.filled and key is None and value is None:
            value = b""
        if self.text:
            return key, value, [("h0", b"v0")], None
        return key, value, self.headers(h), self.base_ms + (i >> 1) - h % 1000

    def headers(self, h):
        made = []
        for j in range((h >> 24) & 3):
            value = b"v%d" % (h % 997)
            if j == 1 and h >> 5 & 1:
                value = b"" if self.filled else None
            elif j == 2:
                value = b""
            made.append((f"h{j}", value))
        return made


class Digest:
    """Of one partition: what was read, in order; and when it was said to be written."""

    def __init__(self):
        self.records, self.content, self.times = 0, hashlib.sha256(), hashlib.sha256()

    def add(self, key, value, headers, timestamp):
        parts = []
        for field in (key, value):
            parts.append(LENGTH.pack(-1 if field is None else len(field)))
            if field:
                parts.append(field)
        parts.append(LENGTH.pack(len(headers)))
        for name, content in headers:
            name = name.encode()
            parts += (LENGTH.pack(len(name)), name,
                      LENGTH.pack(-1 if content is None else len(content)), content or b"")
        self.content.update(b"".join(parts))
        if timestamp is not None:
            self.times.update(TIMESTAMP.pack(timestamp))
        self.records += 1

    def result(self):
        return self.records, self.content.hexdigest()[:32], self.times.hexdigest()[:32]


def print_digests(digests):
    """The last lines of every consuming client: partition, records, content, timestamps."""
    for partition, digest in enumerate(digests):
        print("digest", partition, *digest.result())


def planted(records, plant):
    """The same records with one fault, by which the matrix proves that it looks."""
    for i, record in enumerate(records):
        key, value, headers, timestamp = record
        if i == 40:
            held = record
            if plant == "drop":
                continue
            if plant == "swap":
                continue
            if plant == "flip":
                value = bytes([value[0] ^ 1]) + value[1:] if value else b"!"
            elif plant == "key":
                key = None if key == b"" else b""
            elif plant == "header":
                headers = [("h0", b"")] if not headers else []
            elif plant == "timestamp":
                timestamp += 1
        yield i, (key, value, headers, timestamp)
        if i == 43 and plant == "swap":
            yield i, held
