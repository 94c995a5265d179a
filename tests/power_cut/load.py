"""The load of a recording: several clients at once, with what makes a log interesting.

Plain and idempotent producers with every codec and acks 0, 1 and all, a consumer, and one that
makes and deletes topics. Their state outlives the broker: after a kill idempotent producers send
again what was not answered.
"""

import random
import threading
import time

import batches
import wire
from batches import Producer
from ledger import Read, Sent, Start, Topic
from recording import NEVER

# The smallest segments roll several times a second.
FSYNC, CACHE = {"flux.durability": "fsync"}, {"flux.durability": "page-cache"}
TOPICS = (
    ("orders", 3, FSYNC | {"internal.segment.bytes": 6_000}),
    ("events", 2, FSYNC | {"internal.segment.bytes": 30_000}),
    ("ledger", 2, FSYNC | {"internal.segment.bytes": 9_000}),
    ("shrinks", 1, FSYNC | {"internal.segment.bytes": 4_000, "retention.bytes": 12_000}),
    ("cache", 2, CACHE | {"internal.segment.bytes": 6_000}),
)
# A log that loses its front may lose what it knows of a producer with it, so these stay whole.
IDEMPOTENT = ("orders", "ledger")
DELETED_FROM = "events"
TEMPORARY = FSYNC | {"internal.segment.bytes": 2_000}
TEMPORARY_NAMES = 3
PAUSE_SECONDS_MAX = 0.05


class Client:
    """What all of them share: a connection for a session, and the ledger."""

    def __init__(self, name, ledger, clock, seed):
        self.name, self.ledger, self.clock = name, ledger, clock
        self.draw = random.Random(f"{seed}/{name}")
        self.connection = None
        self.made = 0
        self.failure = None
        self.ending = None
        self.begun = threading.Event()

    def place(self):
        return (self.connection.port, self.connection.received)

    def session(self, port, ending):
        """One life of the broker, from connecting to its end or ours."""
        self.ending = ending
        try:
            self.connection = wire.Connection(port)
            self.begin()
            self.begun.set()
            while not ending.is_set():
                self.step()
                time.sleep(self.draw.random() * PAUSE_SECONDS_MAX)
        except wire.ConnectionLost:
            pass
        except Exception as error:  # shown by run_session
            self.failure = error
        finally:
            self.begun.set()
            if self.connection:
                self.connection.close()

    def begin(self):
        pass

    def expect(self, error, what, others=()):
        """A broker that is told to end may refuse."""
        if error == wire.NONE or error in others:
            return
        if self.ending.is_set():
            raise wire.ConnectionLost(f"{what}: error {error}")
        raise AssertionError(f"{what}: error {error}")

    def permanent(self, durable=None):
        return [topic for topic in self.ledger.topics
                if not topic.name.startswith("temp") and topic.deleted is None
                and durable in (None, topic.durable)]

    def make_batch(self, producer=Producer(), sequence=0):
        codec = self.draw.choice(batches.CODECS)
        values = []
        for _ in range(self.draw.choice((1, 1, 2, 5, 12))):
            self.made += 1
            filling = self.draw.randbytes(self.draw.choice((0, 20, 300, 900)))
            values.append(f"{self.name}/{self.made}/".encode() + filling)
        return len(values), batches.make(values, codec, producer, sequence, batches.now_ms())

    def note(self, topic, partition, acks, count, data, producer=Producer(), sequence=-1):
        """Written down before it is sent: a broker that ends meanwhile may have it."""
        sent = Sent(topic.index, partition, acks, count, producer.id, sequence,
                    data[batches.UNBOUND:], self.clock.now(),
                    again=data if producer.id >= 0 else b"")
        self.ledger.sent.append(sent)
        return sent

    def post(self, topic, partition, acks):
        count, data = self.make_batch()
        sent = self.note(topic, partition, acks, count, data)
        self.connection.send(wire.PRODUCE, wire.produce_body(acks, topic.name, partition, data))
        return sent

    def take_answer(self, sent):
        error, base = wire.produce_answer(self.connection.receive())
        if error == wire.NONE:
            sent.base, sent.answered = base, self.place()
        return error


class PlainProducer(Client):
    def step(self):
        under_way = []
        for _ in range(self.draw.choice((1, 1, 2, 4))):
            topic = self.draw.choice(self.permanent())
            acks = self.draw.choice((-1, -1, -1, 1, 1, 0))
            sent = self.post(topic, self.draw.randrange(topic.partitions), acks)
            if acks != 0:
                under_way.append(sent)
        for sent in under_way:
            self.expect(self.take_answer(sent), "produce")


class IdempotentProducer(Client):
    """At most five batches of a partition are under way, as the protocol allows."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.producer = None
        self.sequences = {}
        self.unanswered = []

    def begin(self):
        if self.producer is None:
            error, id, epoch = wire.init_producer_id(self.connection)
            self.expect(error, "init producer id")
            self.ledger.producer_ids.append([id, self.place()])
            self.producer = Producer(id, epoch)
        for sent in self.unanswered:
            topic = self.ledger.topics[sent.topic]
            self.connection.send(wire.PRODUCE, wire.produce_body(-1, topic.name, sent.partition,
                                                                 sent.again))
        self.take_answers()

    def step(self):
        topic = self.draw.choice([topic for topic in self.permanent() if topic.name in IDEMPOTENT])
        partition = self.draw.randrange(topic.partitions)
        for _ in range(self.draw.choice((1, 2, 4))):
            sequence = self.sequences.get((topic.index, partition), 0)
            count, data = self.make_batch(self.producer, sequence)
            self.sequences[topic.index, partition] = sequence + count
            self.unanswered.append(self.note(topic, partition, -1, count, data, self.producer,
                                             sequence))
            self.connection.send(wire.PRODUCE, wire.produce_body(-1, topic.name, partition, data))
        self.take_answers()

    def take_answers(self):
        while self.unanswered:
            self.expect(self.take_answer(self.unanswered[0]), "idempotent produce",
                        (wire.DUPLICATE_SEQUENCE_NUMBER,))
            self.unanswered.pop(0)


class Consumer(Client):
    """What was read once has to stay."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.at = {}
        self.starts = {}

    def step(self):
        wanted = [(topic.name, partition, self.at.get((topic.index, partition), 0))
                  for topic in self.permanent() for partition in range(topic.partitions)]
        indexes = {topic.name: topic for topic in self.permanent()}
        answer = wire.fetch_answer(self.connection.call(
            wire.FETCH, wire.fetch_body(self.draw.sample(wanted, 3), 5, 30_000)))
        for name, partition, error, high, start, data in answer:
            topic = indexes[name]
            if error == wire.OFFSET_OUT_OF_RANGE:
                start = wire.earliest(self.connection, name, partition)
            if start > self.starts.get((topic.index, partition), 0):
                self.starts[topic.index, partition] = start
                self.ledger.starts.append(Start(topic.index, partition, start, 0, self.place()))
            if error == wire.OFFSET_OUT_OF_RANGE:
                self.at[topic.index, partition] = start
                continue
            self.expect(error, f"fetch of {name}-{partition}")
            for stored in batches.split(data):
                assert stored.end <= high, "beyond the high watermark"
                self.at[topic.index, partition] = stored.end
                self.ledger.reads.append(Read(topic.index, partition, stored.base, stored.content,
                                              self.place()))


class TopicMaker(Client):
    """Topics that come and go, names that are used again, records that are deleted."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.uncertain = set()
        self.there = {}
        self.deletes_records = False

    def begin(self):
        self.deletes_records = wire.serves(self.connection, wire.DELETE_RECORDS)
        self.settle_doubts()
        for name, partitions, settings in TOPICS:
            if name not in {topic.name for topic in self.permanent()}:
                self.create(name, partitions, settings)

    def settle_doubts(self):
        """What a broker that ended did not answer, the next one shows. A deletion that it does not
        know of is asked for again: until it is answered the topic may go at any cut."""
        shown = wire.metadata(self.connection)
        for name in sorted(self.uncertain):
            topic = [topic for topic in self.ledger.topics if topic.name == name][-1]
            if name not in shown:
                topic.deleted = self.place()
            elif topic.delete_sent == NEVER:
                topic.created = self.place()
                if name.startswith("temp"):
                    self.there[name] = topic
            else:
                self.delete(topic)
            self.uncertain.discard(name)

    def create(self, name, partitions, settings):
        topic = Topic(len(self.ledger.topics), name, partitions,
                      settings["flux.durability"] == "fsync", "retention.bytes" in settings,
                      self.clock.now())
        self.ledger.topics.append(topic)
        self.uncertain.add(name)
        error = wire.create_topic(self.connection, name, partitions,
                                  settings | {"index.interval.bytes": 600})
        self.expect(error, f"create of {name}")
        topic.created = self.place()
        self.uncertain.discard(name)
        return topic

    def step(self):
        error, id, _ = wire.init_producer_id(self.connection)
        self.expect(error, "init producer id")
        self.ledger.producer_ids.append([id, self.place()])
        if self.deletes_records and self.draw.random() < 0.3:
            self.delete_records()
        name = f"temp-{self.draw.randrange(TEMPORARY_NAMES)}"
        if name in self.uncertain:
            return
        if name not in self.there:
            self.there[name] = self.create(name, self.draw.choice((1, 2)), TEMPORARY)
        else:
            self.fill(self.there[name])
            if self.draw.random() < 0.6:
                self.delete(self.there.pop(name))

    def fill(self, topic):
        under_way = []
        for _ in range(self.draw.choice((1, 2, 5))):
            under_way.append(self.post(topic, self.draw.randrange(topic.partitions),
                                       self.draw.choice((-1, -1, 1))))
        for sent in under_way:
            self.expect(self.take_answer(sent), f"produce to {topic.name}")

    def delete(self, topic):
        self.uncertain.add(topic.name)
        topic.delete_sent = min(topic.delete_sent, self.clock.now())
        error = wire.delete_topic(self.connection, topic.name)
        self.expect(error, f"delete of {topic.name}")
        topic.deleted = self.place()
        self.uncertain.discard(topic.name)

    def delete_records(self):
        topic = next(topic for topic in self.permanent() if topic.name == DELETED_FROM)
        known = [read for read in self.ledger.reads[-200:] if read.topic == topic.index]
        if not known:
            return
        read = self.draw.choice(known)
        start = Start(topic.index, read.partition, read.base, self.clock.now())
        self.ledger.starts.append(start)
        error, _ = wire.delete_records(self.connection, topic.name, read.partition, read.base)
        if error == wire.NONE:
            start.answered = self.place()


class Load:
    def __init__(self, ledger, clock, seed):
        self.maker = TopicMaker("maker", ledger, clock, seed)
        self.clock = clock
        self.maker.there = {topic.name: topic for topic in ledger.topics
                            if topic.name.startswith("temp")}
        self.clients = [PlainProducer("plain-a", ledger, clock, seed),
                        PlainProducer("plain-b", ledger, clock, seed),
                        IdempotentProducer("idempotent-a", ledger, clock, seed),
                        IdempotentProducer("idempotent-b", ledger, clock, seed),
                        Consumer("consumer", ledger, clock, seed), self.maker]

    def run_session(self, port, seconds, end):
        """Load for so long, then end() under load."""
        ending = threading.Event()
        threads = []
        # The first makes the topics of the others.
        for client in (self.maker, *(c for c in self.clients if c is not self.maker)):
            client.begun.clear()
            threads.append(threading.Thread(target=client.session, args=(port, ending)))
            threads[-1].start()
            client.begun.wait()
        time.sleep(seconds)
        ending.set()
        end()
        for thread in threads:
            thread.join()
        for client in self.clients:
            if client.failure:
                raise client.failure
