"""kcat as a client of the interop matrix; see README.md of the folder above.

kcat reads records from its standard input: it can say neither their times nor a header for each,
so it produces the shape `text`. What it prints holds lengths, so that any value is told apart.
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import client  # noqa: E402
import records  # noqa: E402

KEY_END, RECORD_END = b"\x01", b"\x02"


def produce(options):
    generator = records.Generator(options.seed, 0, "text")
    for partition in range(options.partitions):
        command = ["kcat", "-P", "-b", options.bootstrap, "-t", options.topic, "-p", str(partition),
                   "-K", KEY_END.decode(), "-D", RECORD_END.decode(), "-Z", "-H", "h0=v0",
                   "-z", options.codec, "-X", f"acks={options.acks}"]
        if options.acks == "all":
            command += ["-X", "enable.idempotence=true"]
        kcat = subprocess.Popen(command, stdin=subprocess.PIPE)
        for i in range(partition, options.records, options.partitions):
            key, value, _, _ = generator.record(i)
            kcat.stdin.write((key or b"") + KEY_END + (value or b"") + RECORD_END)
        kcat.stdin.close()
        if kcat.wait() != 0:
            sys.exit(f"kcat ended with {kcat.returncode}")


def parse_headers(text):
    if not text:
        return []
    pairs = (part.split(b"=", 1) for part in text.split(b","))
    return [(name.decode(), None if value == b"NULL" else value) for name, value in pairs]


def read_exactly(stream, length):
    return None if length < 0 else stream.read(length)


def consume_partition(options, partition):
    command = ["kcat", "-C", "-b", options.bootstrap, "-t", options.topic, "-p", str(partition),
               "-o", "beginning", "-e", "-q", "-X", "check.crcs=true", "-f", "%T %K %S %h\n%k%s"]
    kcat = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=1 << 20)
    digest, out = records.Digest(), kcat.stdout
    while line := out.readline():
        timestamp, key_length, value_length, headers = line.rstrip(b"\n").split(b" ", 3)
        key = read_exactly(out, int(key_length))
        value = read_exactly(out, int(value_length))
        digest.add(key, value, parse_headers(headers), int(timestamp))
    if kcat.wait() != 0:
        sys.exit(f"kcat ended with {kcat.returncode}")
    return digest


def consume(options):
    records.print_digests([consume_partition(options, p) for p in range(options.partitions)])


if __name__ == "__main__":
    client.run("kcat", produce, consume)
