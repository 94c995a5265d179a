"""Starts fluxd on an image and says what is missing, moved, twice or made up.

Owed are, of what the broker began to send before the cut: topics made and deleted, acknowledged
records (acks=all on topics with fsync), and whatever a consumer has read of those topics. What was
not owed may be there or not; what nobody sent may not.
"""

import struct
from dataclasses import dataclass, field

import batches
import wire
from batches import Producer
from daemon import DaemonFailed

FETCH_ROUNDS_MAX = 1000


@dataclass
class Log:
    start: int
    high: int
    stored: list
    error: int = wire.NONE      # what ended the fetching


@dataclass
class Verdict:
    problems: list = field(default_factory=list)
    acknowledged: int = 0       # records compared that were owed by an acknowledgement
    read: int = 0               # batches compared that a consumer had read
    resent: int = 0             # idempotent batches that were sent again
    topics: int = 0
    topics_gone: int = 0        # deleted ones found deleted


def fetch_all(connection, topics):
    """(topic, partition) to its Log."""
    logs = {(name, partition): None for name, count in topics.items()
            for partition in range(count)}
    at = dict.fromkeys(logs, 0)
    todo = set(logs)
    for _ in range(FETCH_ROUNDS_MAX):
        if not todo:
            return logs
        body = wire.fetch_body([(*key, at[key]) for key in sorted(todo)])
        for topic, partition, error, high, start, data in wire.fetch_answer(
                connection.call(wire.FETCH, body)):
            key = (topic, partition)
            if error == wire.OFFSET_OUT_OF_RANGE:
                start = wire.earliest(connection, topic, partition)
                if start > at[key]:  # perhaps only since the answer before
                    at[key], logs[key] = start, None
                    continue
            log = logs[key] = logs[key] or Log(start, high, [])
            if error != wire.NONE:
                log.error = error
                todo.discard(key)
                continue
            log.high = high
            log.stored += batches.split(data)
            if log.stored:
                at[key] = log.stored[-1].end
            if at[key] >= high:
                todo.discard(key)
    raise DaemonFailed(f"fetching comes to no end: {sorted(todo)[:3]}")


class Judge:
    """`kill`: the machine went on, so that nothing that was answered may be lost."""

    def __init__(self, ledger, cut, kill=False):
        self.ledger, self.cut, self.kill = ledger, cut, kill
        self.verdict = Verdict()
        self._shrinking = {topic.name for topic in ledger.topics if topic.shrinks}
        self._by_place = {}
        for sent in ledger.sent:
            if sent.sent <= cut:
                self._by_place.setdefault((sent.topic, sent.partition), []).append(sent)

    def problem(self, text):
        self.verdict.problems.append(text)

    def judge(self, start):
        """`start` makes a running Daemon of the image."""
        try:
            with start() as daemon:
                connection = wire.Connection(daemon.port)
                topics = wire.metadata(connection)
                known = self._judge_topics(topics)
                logs = fetch_all(connection, topics)
                for (name, partition), log in logs.items():
                    if name in known:
                        self._judge_log(known[name], partition, log)
                if not self.verdict.problems:
                    logs = self._go_on(connection, topics, logs)
                connection.close()
                daemon.stop()
            if not self.verdict.problems:
                self._judge_again(start, topics, logs)
        except (DaemonFailed, wire.ConnectionLost) as error:
            self.problem(str(error) or "the connection was lost")
        return self.verdict

    # --- topics

    def _judge_topics(self, topics):
        """Name to Topic of what is there."""
        known = {}
        for topic in self.ledger.topics:
            if topic.surely_there(self.cut):
                self.verdict.topics += 1
                if topics.get(topic.name) != topic.partitions:
                    self.problem(f"topic {topic.name}, acknowledged, has "
                                 f"{topics.get(topic.name, 'no')} partitions")
            if topic.maybe_there(self.cut) and topic.name in topics:
                known[topic.name] = topic
        for name in topics:
            if name not in known:
                self.problem(f"topic {name} is there, and was deleted or never made")
        self.verdict.topics_gone = sum(topic.deleted <= self.cut for topic in self.ledger.topics)
        return known

    # --- records

    def _judge_log(self, topic, partition, log):
        where = f"{topic.name}-{partition}"
        if log.error != wire.NONE:
            self.problem(f"{where}: fetching after {len(log.stored)} batches is answered by error "
                         f"{log.error}")
        else:
            self._judge_start(topic, partition, log, where)
        at = log.start
        for i, batch in enumerate(log.stored):
            if i == 0 and batch.base <= at < batch.end:
                at = batch.base
            if batch.base != at:
                self.problem(f"{where}: offset {at} is followed by {batch.base}")
            at = batch.end
        if at < log.high and log.error == wire.NONE:
            self.problem(f"{where}: ends at {at}, below the high watermark {log.high}")
        sent = self._by_place.get((topic.index, partition), [])
        self._judge_batches(sent, log, where)
        if topic.durable or self.kill:
            self._judge_owed(topic, partition, sent, log, where)

    def _judge_start(self, topic, partition, log, where):
        mine = [start for start in self.ledger.starts
                if (start.topic, start.partition) == (topic.index, partition)]
        least = max((start.before for start in mine if start.answered <= self.cut), default=0)
        most = log.high if topic.shrinks else max(
            (start.before for start in mine if start.sent <= self.cut), default=0)
        if not least <= log.start <= most:
            self.problem(f"{where}: starts at {log.start}, which is not {least} to {most}")

    def _judge_batches(self, sent, log, where):
        """Only what was sent, at the offset that was told, and once."""
        by_content = {item.content: item for item in sent}
        seen = {}
        for batch in log.stored:
            item = by_content.get(batch.content)
            if item is None:
                self.problem(f"{where}: what nobody sent lies at offset {batch.base}")
                continue
            if batch.content in seen:
                self.problem(f"{where}: the batch at {seen[batch.content]} is at {batch.base} too")
            seen[batch.content] = batch.base
            if item.base >= 0 and item.base != batch.base:
                self.problem(f"{where}: acknowledged at {item.base}, now at {batch.base}")

    def _judge_owed(self, topic, partition, sent, log, where):
        at = {batch.base: batch.content for batch in log.stored}
        for item in sent:
            asked = item.acks == -1 or self.kill and item.acks == 1
            if not asked or item.answered > self.cut or item.base + item.count <= log.start:
                continue
            self.verdict.acknowledged += item.count
            if at.get(item.base) != item.content:
                what = "other bytes" if item.base in at else "nothing"
                self.problem(f"{where}: {item.count} acknowledged records at {item.base}: {what} "
                             f"there, the log ends at {log.high}")
        for item in self.ledger.reads:
            if (item.topic, item.partition) != (topic.index, partition) \
                    or item.answered > self.cut or item.base < log.start:
                continue
            self.verdict.read += 1
            if at.get(item.base) != item.content:
                what = "other bytes" if item.base in at else "nothing"
                self.problem(f"{where}: what was read at {item.base} is not there: {what}, the log "
                             f"ends at {log.high}")

    # --- going on

    def _go_on(self, connection, topics, before):
        """Everything can be written to, and producers go on where they were."""
        error, id, _ = wire.init_producer_id(connection)
        given = [known for known, answered in self.ledger.producer_ids if answered <= self.cut]
        given += [batch.producer for log in before.values() for batch in log.stored]
        if error != wire.NONE or id <= max(given, default=-1):
            self.problem(f"producer id {id} was given away before (error {error})")
        expected = {key: list(log.stored) for key, log in before.items()}
        for key in sorted(before):
            self._send_again(connection, key, before[key], expected[key])
            data = batches.make([f"{key} goes on".encode()], "none", Producer(), 0,
                                batches.now_ms())
            self._append(connection, key, data, expected[key])
        after = fetch_all(connection, topics)
        self._same(expected, after, "after going on")
        return after

    def _send_again(self, connection, key, log, expected):
        """The last batch of an idempotent producer again, and then its next one."""
        last = {batch.producer: batch for batch in log.stored if batch.producer >= 0}
        for batch in list(last.values())[-2:]:
            again = struct.pack(">qii", 0, len(batch.content) + 4, 0) + batch.content
            error, base = wire.produce_answer(
                connection.call(wire.PRODUCE, wire.produce_body(-1, *key, again)))
            self.verdict.resent += 1
            if error != wire.DUPLICATE_SEQUENCE_NUMBER and (error, base) != (0, batch.base):
                self.problem(f"{key[0]}-{key[1]}: sent again, what is at {batch.base} is answered "
                             f"by error {error}, offset {base}")
            data = batches.make([b"next"], "none", Producer(batch.producer, 0),
                                batch.sequence + batch.count, batches.now_ms())
            self._append(connection, key, data, expected)

    def _append(self, connection, key, data, expected):
        error, base = wire.produce_answer(
            connection.call(wire.PRODUCE, wire.produce_body(-1, *key, data)))
        if error != wire.NONE:
            self.problem(f"{key[0]}-{key[1]}: a write is answered by error {error}")
            return
        expected += [batches.Stored(base, batch.count, batch.producer, batch.sequence,
                                    batch.content) for batch in batches.split(data)]

    def _same(self, expected, logs, when):
        for key, stored in expected.items():
            found = logs[key].stored if logs[key].error == wire.NONE else []
            if key[0] in self._shrinking:
                stored = [batch for batch in stored if batch.end > logs[key].start]
            wanted = [(batch.base, batch.content) for batch in stored]
            if [(batch.base, batch.content) for batch in found] != wanted:
                self.problem(f"{key[0]}-{key[1]}: {when} it holds {len(found)} batches up to "
                             f"{logs[key].high}, expected were {len(wanted)}")

    def _judge_again(self, start, topics, logs):
        """A clean stop lies between: nothing may have moved."""
        with start() as daemon:
            connection = wire.Connection(daemon.port)
            if wire.metadata(connection) != topics:
                self.problem("other topics after a clean stop")
            else:
                again = fetch_all(connection, topics)
                self._same({key: log.stored for key, log in logs.items()}, again,
                           "after a clean stop")
            connection.close()
