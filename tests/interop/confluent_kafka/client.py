"""confluent-kafka as a client of the interop matrix; see README.md of the folder above."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import client  # noqa: E402
import records  # noqa: E402

from confluent_kafka import Consumer, Producer, TopicPartition  # noqa: E402


def produce(options):
    producer = Producer({
        "bootstrap.servers": options.bootstrap, "acks": options.acks, "linger.ms": 20,
        "compression.type": options.codec, "enable.idempotence": options.acks == "all"})
    failures = []

    def delivered(error, _):
        if error is not None:
            failures.append(error)

    generator = records.Generator(options.seed, options.base_ms)
    for i in range(options.records):
        key, value, headers, timestamp = generator.record(i)
        while True:
            try:
                producer.produce(options.topic, value=value, key=key, headers=headers,
                                 partition=i % options.partitions, timestamp=timestamp,
                                 on_delivery=delivered)
                break
            except BufferError:
                producer.poll(1)
        if i % 1000 == 0:
            producer.poll(0)
    left = producer.flush(120)
    if failures or left:
        sys.exit(f"{len(failures)} records failed ({failures[:1]}), {left} were not answered")


def consume(options):
    consumer = Consumer({
        "bootstrap.servers": options.bootstrap, "group.id": "unused", "check.crcs": True,
        "enable.auto.commit": False, "enable.auto.offset.store": False,
        "auto.offset.reset": "error"})
    digests = [records.Digest() for _ in range(options.partitions)]
    ends = [consumer.get_watermark_offsets(TopicPartition(options.topic, p), timeout=30)[1]
            for p in range(options.partitions)]
    consumer.assign([TopicPartition(options.topic, p, 0) for p in range(options.partitions)])
    left = {p for p, end in enumerate(ends) if end > 0}
    while left:
        batch = consumer.consume(10_000, timeout=1)
        for message in batch:
            if message.error():
                sys.exit(str(message.error()))
            p, offset = message.partition(), message.offset()
            if offset < ends[p]:
                digests[p].add(message.key(), message.value(), message.headers() or [],
                               message.timestamp()[1])
            if offset + 1 >= ends[p]:
                left.discard(p)
    consumer.close()
    records.print_digests(digests)


if __name__ == "__main__":
    client.run("confluent-kafka", produce, consume)
