"""What the clients of a load know: what they sent, and when what they were told left the broker.

Stamps are the recording's. While the load runs, an answer is remembered as its place in the stream
of its connection; `settle` turns that into the stamp at which the broker began to send its last
byte. An answer that the broker never sent whole has the stamp NEVER.
"""

from dataclasses import dataclass, field, replace

import recording as rec
from recording import NEVER


@dataclass(slots=True)
class Topic:
    index: int
    name: str
    partitions: int
    durable: bool               # flux.durability=fsync
    shrinks: bool               # by retention, when it likes
    create_sent: int
    created: object = None      # place or stamp; None: no answer, or an error
    delete_sent: int = NEVER
    deleted: object = None

    def surely_there(self, cut):
        return self.created <= cut < self.delete_sent

    def maybe_there(self, cut):
        return self.create_sent <= cut < self.deleted


@dataclass(slots=True)
class Sent:
    """A batch. One that was sent again is still one."""
    topic: int
    partition: int
    acks: int
    count: int
    producer: int
    sequence: int
    content: bytes
    sent: int
    base: int = -1              # as the broker answered
    answered: object = None
    again: bytes = b""          # the bytes to send it once more, of idempotent producers


@dataclass(slots=True)
class Read:
    topic: int
    partition: int
    base: int
    content: bytes
    answered: object


@dataclass(slots=True)
class Start:
    """Where a partition was told to start by DeleteRecords, or was seen to start."""
    topic: int
    partition: int
    before: int
    sent: int
    answered: object = None


@dataclass
class Ledger:
    topics: list = field(default_factory=list)
    sent: list = field(default_factory=list)
    reads: list = field(default_factory=list)
    starts: list = field(default_factory=list)
    producer_ids: list = field(default_factory=list)   # [id, answered]

    def settle(self, entries):
        """Places become stamps."""
        streams = {}
        connections = {}
        for entry in entries:
            if entry.kind == rec.ACCEPT and entry.result >= 0:
                connections[entry.began] = entry.offset
            elif entry.kind == rec.SEND and entry.object in connections:
                count = entry.length if entry.ended == NEVER else max(entry.result, 0)
                stream = streams.setdefault(connections[entry.object], [])
                total = stream[-1][0] if stream else 0
                if count:
                    stream.append((total + count, entry.began))

        def stamp(place):
            if place is None:
                return NEVER
            if isinstance(place, int):
                return place
            port, received = place
            return next((began for total, began in streams.get(port, ()) if total >= received),
                        NEVER)

        for topic in self.topics:
            topic.created, topic.deleted = stamp(topic.created), stamp(topic.deleted)
        for item in (*self.sent, *self.reads, *self.starts):
            item.answered = stamp(item.answered)
        for item in self.producer_ids:
            item[1] = stamp(item[1])

    def as_received(self):
        """A copy in which every answer that a client has is owed: for kills, which lose none."""
        def owed(items, *names):
            return [replace(item, **{name: NEVER if getattr(item, name) is None else 0
                                     for name in names}) for item in items]

        return Ledger(owed(self.topics, "created", "deleted"), owed(self.sent, "answered"),
                      owed(self.reads, "answered"), owed(self.starts, "answered"),
                      [[id, 0] for id, _ in self.producer_ids])

    def carried_over(self, cut):
        """What is still true, or possible, for a recording that goes on with an image of this cut.
        None when a topic was being created or deleted: then what is there is not known."""
        kept = Ledger()
        renumbered = {}
        for topic in self.topics:
            if topic.surely_there(cut):
                renumbered[topic.index] = len(kept.topics)
                kept.topics.append(replace(topic, index=len(kept.topics), create_sent=0, created=0,
                                           delete_sent=NEVER, deleted=None))
            elif topic.maybe_there(cut):
                return None

        def over(items):
            for item in items:
                if item.topic in renumbered:
                    stamps = {"sent": 0} if hasattr(item, "sent") else {}
                    yield replace(item, topic=renumbered[item.topic], **stamps,
                                  answered=0 if item.answered <= cut else NEVER)

        kept.sent = list(over(item for item in self.sent if item.sent <= cut))
        # A base that was answered after the cut may be given to another batch now.
        for item in kept.sent:
            item.base = item.base if item.answered == 0 else -1
        kept.reads = list(over(item for item in self.reads if item.answered <= cut))
        kept.starts = list(over(item for item in self.starts if item.sent <= cut))
        kept.producer_ids = [[id, 0] for id, answered in self.producer_ids if answered <= cut]
        return kept
