"""Clients that come and go, by the protocol that tests/power_cut speaks without code of Flux.

Each checks what it is told. What was wrong stops its thread and is raised by check().
"""

import collections
import random
import socket
import threading
import time

import batches
import wire
from targets import Failure

PAUSE_SECONDS_MAX = 0.1
TOPIC = "mixed"
SETTINGS = {"flux.durability": "page-cache", "segment.bytes": 1 << 20, "retention.bytes": 4 << 20}
VALUES_IN_BATCH = 20


class Client(threading.Thread):
    def __init__(self, port, name):
        super().__init__(name=name, daemon=True)
        self.port = port
        self.did = collections.Counter()
        self.failure = None
        self.ending = threading.Event()

    def run(self):
        try:
            self.live()
        except Exception as error:  # raised by check()
            self.failure = error

    def live(self):
        raise NotImplementedError

    def end(self):
        self.ending.set()
        self.join()

    def check(self):
        if self.failure:
            raise Failure(f"{self.name}: {type(self.failure).__name__}: {self.failure}")


def expect(error, what):
    if error != wire.NONE:
        raise Failure(f"{what}: error {error}")


class Churn(Client):
    """A connection for each thing that it does."""

    def __init__(self, port, number):
        super().__init__(port, f"churn-{number}")
        self.draw = random.Random(number)

    def live(self):
        with_connection = (self.write_and_read, self.write_and_read, self.forget_producer,
                           self.topic, self.delete_records, self.break_off)
        connection = wire.Connection(self.port)
        wire.create_topic(connection, TOPIC, 1, SETTINGS)  # or the other has made it
        connection.close()
        while not self.ending.is_set():
            step = self.draw.choice(with_connection)
            connection = wire.Connection(self.port)
            step(connection)
            connection.close()
            self.did[step.__name__] += 1
            time.sleep(self.draw.random() * PAUSE_SECONDS_MAX)

    def batch(self, producer=batches.Producer(), sequence=0):
        values = [self.draw.randbytes(self.draw.choice((10, 300, 2_000)))
                  for _ in range(VALUES_IN_BATCH)]
        return batches.make(values, self.draw.choice(batches.CODECS), producer, sequence,
                            batches.now_ms())

    def produce(self, connection, topic, data):
        answer = connection.call(wire.PRODUCE, wire.produce_body(-1, topic, 0, data))
        error, base = wire.produce_answer(answer)
        expect(error, f"produce to {topic}")
        return base

    def write_and_read(self, connection):
        data = self.batch()
        base = self.produce(connection, TOPIC, data)
        answer = connection.call(wire.FETCH, wire.fetch_body([(TOPIC, 0, base)]))
        [(_, _, error, _, start, found)] = wire.fetch_answer(answer)
        if error == wire.OFFSET_OUT_OF_RANGE and start > base:
            return  # the other one deleted it meanwhile
        expect(error, f"fetch of {TOPIC} at {base}")
        first = batches.split(found)[0]
        if (first.base, first.content) != (base, data[batches.UNBOUND:]):
            raise Failure(f"{TOPIC} at {base}: not what was sent")

    def forget_producer(self, connection):
        error, id, epoch = wire.init_producer_id(connection)
        expect(error, "init producer id")
        data = self.batch(batches.Producer(id, epoch))
        base = self.produce(connection, TOPIC, data)
        if (again := self.produce(connection, TOPIC, data)) != base:
            raise Failure(f"{TOPIC} at {base}: sent again, it was stored at {again}")

    def topic(self, connection):
        name = f"{self.name}-{self.draw.randrange(4)}"
        expect(wire.create_topic(connection, name, 2, SETTINGS), f"create {name}")
        self.produce(connection, name, self.batch())
        expect(wire.delete_topic(connection, name), f"delete {name}")

    def delete_records(self, connection):
        start = wire.earliest(connection, TOPIC, 0)
        error, low = wire.delete_records(connection, TOPIC, 0, start)
        if error == wire.OFFSET_OUT_OF_RANGE:
            return  # the other one was ahead
        expect(error, f"delete records of {TOPIC} below {start}")
        if low < start:
            raise Failure(f"{TOPIC} starts at {low} after a deletion below {start}")

    def break_off(self, connection):
        """Half a request, a request of garbage, or one whose answer nobody waits for."""
        kind = self.draw.randrange(3)
        if kind == 0:
            connection.socket.sendall(b"\0\0\1\0\0\1")
        elif kind == 1:
            connection.socket.sendall(b"\0\0\0\x20" + self.draw.randbytes(32))
            connection.socket.shutdown(socket.SHUT_WR)
            while connection.socket.recv(4096):
                pass
        else:
            connection.send(wire.FETCH, wire.fetch_body([(TOPIC, 0, 0)]))


class Follower(Client):
    """Reads a topic as it grows, on one connection for some seconds, then on the next one."""

    SECONDS_ON_ONE = 5

    def __init__(self, port, topic, partitions):
        super().__init__(port, f"follower of {topic}")
        self.topic = topic
        self.at = dict.fromkeys(range(partitions), 0)

    def live(self):
        while not self.ending.is_set():
            connection = wire.Connection(self.port)
            until = time.monotonic() + self.SECONDS_ON_ONE
            while time.monotonic() < until and not self.ending.is_set():
                self.read(connection)
            connection.close()
            self.did["followed again"] += 1

    def read(self, connection):
        wanted = [(self.topic, partition, at) for partition, at in self.at.items()]
        answer = wire.fetch_answer(connection.call(wire.FETCH, wire.fetch_body(wanted, 200)))
        for _, partition, error, high, _, data in answer:
            if error == wire.OFFSET_OUT_OF_RANGE:
                self.at[partition] = wire.earliest(connection, self.topic, partition)
                self.did["fell behind retention"] += 1
                continue
            expect(error, f"fetch of {self.topic}-{partition}")
            for stored in batches.split(data):
                # A batch may begin below the offset that was asked for.
                if stored.base > self.at[partition] or stored.end > high:
                    raise Failure(f"{self.topic}-{partition}: {stored.base} to {stored.end} came "
                                  f"at {self.at[partition]} below {high}")
                self.did["records followed"] += stored.end - self.at[partition]
                self.at[partition] = stored.end
