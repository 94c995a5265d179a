"""kafka-python as a client of the interop matrix; see README.md of the folder above."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import client  # noqa: E402
import records  # noqa: E402

from kafka import KafkaConsumer, KafkaProducer, TopicPartition  # noqa: E402


def produce(options):
    producer = KafkaProducer(
        bootstrap_servers=options.bootstrap,
        acks="all" if options.acks == "all" else int(options.acks),
        enable_idempotence=options.acks == "all", linger_ms=20, batch_size=200_000,
        compression_type=None if options.codec == "none" else options.codec)
    failures = []
    generator = records.Generator(options.seed, options.base_ms, "filled")
    made = map(generator.record, range(options.records))
    for i, (key, value, headers, timestamp) in records.planted(made, options.plant):
        sent = producer.send(options.topic, value=value, key=key, headers=headers,
                             partition=i % options.partitions, timestamp_ms=timestamp)
        sent.add_errback(failures.append)
    producer.flush()
    producer.close()
    if failures:
        sys.exit(f"{len(failures)} records were not acknowledged, the first for {failures[0]!r}")


def consume(options):
    consumer = KafkaConsumer(bootstrap_servers=options.bootstrap, check_crcs=True,
                             auto_offset_reset="none", max_partition_fetch_bytes=4 << 20)
    partitions = [TopicPartition(options.topic, p) for p in range(options.partitions)]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    ends = consumer.end_offsets(partitions)
    digests = [records.Digest() for _ in partitions]
    left = {partition for partition in partitions if ends[partition] > 0}
    while left:
        for partition, polled in consumer.poll(timeout_ms=10_000).items():
            add = digests[partition.partition].add
            for record in polled:
                if record.offset < ends[partition]:
                    add(record.key, record.value, record.headers, record.timestamp)
            if consumer.position(partition) >= ends[partition]:
                left.discard(partition)
    consumer.close()
    records.print_digests(digests)


if __name__ == "__main__":
    client.run("kafka-python", produce, consume)
