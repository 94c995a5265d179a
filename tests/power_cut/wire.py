"""As much of Kafka's protocol as the load and the judge speak, written for them alone: nothing of
Flux encodes or decodes here. Old versions of the requests, from before tagged fields."""

import socket
import struct

PRODUCE, FETCH, LIST_OFFSETS, METADATA, CREATE_TOPICS, DELETE_TOPICS, DELETE_RECORDS, \
    INIT_PRODUCER_ID = 0, 1, 2, 3, 19, 20, 21, 22
VERSION = {PRODUCE: 7, FETCH: 5, LIST_OFFSETS: 1, METADATA: 1, CREATE_TOPICS: 2, DELETE_TOPICS: 1,
           DELETE_RECORDS: 0, INIT_PRODUCER_ID: 0}
API_VERSIONS = 18

NONE, OFFSET_OUT_OF_RANGE, DUPLICATE_SEQUENCE_NUMBER = 0, 1, 46


class ConnectionLost(Exception):
    """The broker ended, or closed the connection."""


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        values = struct.unpack_from(">" + layout, self.data, self.at)
        self.at += struct.calcsize(">" + layout)
        return values[0] if len(values) == 1 else values

    def string(self):
        return self.raw(self.take("h"))

    def raw(self, size):
        if size < 0:
            return None
        out = self.data[self.at:self.at + size]
        self.at += size
        return out

    def array(self, element):
        return [element() for _ in range(max(self.take("i"), 0))]


def text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


class Connection:
    """One connection. Requests may be pipelined; answers come in their order."""

    def __init__(self, port, timeout=30):
        try:
            self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        except OSError as error:
            raise ConnectionLost(str(error)) from error
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self.socket.getsockname()[1]
        self.received = 0    # bytes of the stream, whole answers only
        self._correlation = 0

    def close(self):
        self.socket.close()

    def send(self, api, body, version=None):
        self._correlation += 1
        version = VERSION[api] if version is None else version
        frame = struct.pack(">hhi", api, version, self._correlation) + text("power-cut") + body
        try:
            self.socket.sendall(struct.pack(">i", len(frame)) + frame)
        except OSError as error:
            raise ConnectionLost(str(error)) from error

    def receive(self):
        size = struct.unpack(">i", self._exactly(4))[0]
        data = self._exactly(size)
        self.received += 4 + size
        return Reader(data[4:])

    def call(self, api, body, version=None):
        self.send(api, body, version)
        return self.receive()

    def _exactly(self, count):
        out = bytearray()
        while len(out) < count:
            try:
                part = self.socket.recv(count - len(out))
            except OSError as error:
                raise ConnectionLost(str(error)) from error
            if not part:
                raise ConnectionLost("closed")
            out += part
        return bytes(out)


def serves(connection, api):
    """Whether the broker advertises the API in the version that we speak."""
    reader = connection.call(API_VERSIONS, b"", 0)
    reader.take("h")
    ranges = {key: (low, high) for key, low, high in reader.array(lambda: reader.take("hhh"))}
    return api in ranges and ranges[api][0] <= VERSION[api] <= ranges[api][1]


def metadata(connection):
    """Topic name to its number of partitions."""
    reader = connection.call(METADATA, struct.pack(">i", -1))

    def broker():
        reader.take("i"), reader.string(), reader.take("i"), reader.string()

    def partition():
        reader.take("hii"), reader.array(lambda: reader.take("i"))
        reader.array(lambda: reader.take("i"))

    def topic():
        reader.take("h")
        name = reader.string().decode()
        reader.take("?")
        return name, len(reader.array(partition))

    reader.array(broker)
    reader.take("i")
    return dict(reader.array(topic))


def produce_body(acks, topic, partition, batches, timeout_ms=20_000):
    return struct.pack(">hhii", -1, acks, timeout_ms, 1) + text(topic) \
        + struct.pack(">iii", 1, partition, len(batches)) + batches


def produce_answer(reader):
    """(error, base offset) of the one partition."""
    reader.take("i"), reader.string(), reader.take("i")
    _, error, base, _, _ = reader.take("ihqqq")
    return error, base


def fetch_body(wanted, wait_ms=0, bytes_max=1 << 22):
    """`wanted` is a list of (topic, partition, offset)."""
    topics = {}
    for topic, partition, offset in wanted:
        topics.setdefault(topic, []).append((partition, offset))
    body = struct.pack(">iiiibi", -1, wait_ms, 1, bytes_max, 0, len(topics))
    for topic, partitions in topics.items():
        body += text(topic) + struct.pack(">i", len(partitions))
        for partition, offset in partitions:
            body += struct.pack(">iqqi", partition, offset, 0, 1 << 20)
    return body


def fetch_answer(reader):
    """A list of (topic, partition, error, high watermark, log start, batches)."""
    out = []
    reader.take("i")
    for _ in range(reader.take("i")):
        topic = reader.string().decode()
        for _ in range(reader.take("i")):
            partition, error, high, _, start = reader.take("ihqqq")
            reader.array(lambda: reader.take("qq"))
            out.append((topic, partition, error, high, start, reader.raw(reader.take("i")) or b""))
    return out


def earliest(connection, topic, partition):
    """Where the log starts: what a consumer asks for whose offset is out of range."""
    reader = connection.call(LIST_OFFSETS, struct.pack(">ii", -1, 1) + text(topic)
                             + struct.pack(">iiq", 1, partition, -2))
    reader.take("i"), reader.string(), reader.take("i")
    _, error, _, offset = reader.take("ihqq")
    if error != NONE:
        raise ConnectionLost(f"list offsets of {topic}-{partition}: error {error}")
    return offset


def create_topic(connection, name, partitions, settings):
    body = struct.pack(">i", 1) + text(name) + struct.pack(">ihi", partitions, 1, 0)
    body += struct.pack(">i", len(settings))
    for key, value in settings.items():
        body += text(key) + text(str(value))
    reader = connection.call(CREATE_TOPICS, body + struct.pack(">i?", 20_000, False))
    reader.take("i"), reader.take("i"), reader.string()
    return reader.take("h")


def delete_topic(connection, name):
    reader = connection.call(DELETE_TOPICS,
                             struct.pack(">i", 1) + text(name) + struct.pack(">i", 20_000))
    reader.take("i"), reader.take("i"), reader.string()
    return reader.take("h")


def delete_records(connection, topic, partition, before):
    """(error, low watermark)"""
    reader = connection.call(DELETE_RECORDS, struct.pack(">i", 1) + text(topic) + struct.pack(
        ">iiqi", 1, partition, before, 20_000))
    reader.take("i"), reader.take("i"), reader.string(), reader.take("i")
    _, low, error = reader.take("iqh")
    return error, low


def init_producer_id(connection):
    """(error, producer id, epoch)"""
    reader = connection.call(INIT_PRODUCER_ID, struct.pack(">hi", -1, 60_000))
    reader.take("i")
    return reader.take("hqh")
