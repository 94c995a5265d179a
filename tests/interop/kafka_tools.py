#!/usr/bin/env python3
"""Kafka's own command line tools, unmodified, against fluxd: what they print is what they print of
Kafka. A step that needs an API which fluxd does not announce is pending, by name; it turns on by
itself when the API is there."""

import json
import re
import shutil
import subprocess
import sys
import time

import brokers

FOLDER = brokers.ROOT / "build" / "interop" / "kafka_tools"
SECONDS_MAX = 180
RECORDS = 20_000
API = {"create_topics": 19, "delete_topics": 20, "delete_records": 21, "describe_configs": 32,
       "alter_configs": 33, "describe_log_dirs": 35, "create_partitions": 37,
       "incremental_alter_configs": 44, "describe_cluster": 60, "list_config_resources": 74,
       "describe_topic_partitions": 75}


class Step:
    """A tool, its arguments, and the pattern that its output has to match."""

    def __init__(self, name, tool, arguments, expected, needs=()):
        self.name, self.tool, self.arguments = name, tool, arguments
        self.expected, self.needs = expected, needs


def steps():
    deletion = FOLDER / "delete.json"
    deletion.write_text(json.dumps({"version": 1, "partitions": [
        {"topic": "tools", "partition": 1, "offset": 5}]}))
    size = re.escape(f"{RECORDS} records sent")
    return [
        Step("create a topic", "topics", "--create --topic tools --partitions 3 "
             "--config retention.ms=7200000", r"Created topic tools\."),
        Step("create it again", "topics", "--create --topic tools", r"already exists"),
        Step("list topics", "topics", "--list", r"(?m)^tools$"),
        Step("describe the topic", "topics", "--describe --topic tools",
             r"Topic: tools\s.*PartitionCount: 3\s+ReplicationFactor: 1\s+Configs:.*"
             r"retention\.ms=7200000(.*\n)+.*Partition: 2\s+Leader: 1\s+Replicas: 1\s+Isr: 1",
             ["describe_configs"]),
        Step("add partitions", "topics", "--alter --topic tools --partitions 5", r"\A\s*\Z",
             ["create_partitions"]),
        Step("produce for measurement", "producer-perf", "--topic tools --num-records "
             f"{RECORDS} --record-size 100 --throughput -1", size),
        Step("offsets at the end", "get-offsets", "--topic tools",
             lambda out: sum(map(int, re.findall(r"tools:\d+:(\d+)", out))) == RECORDS),
        Step("offsets at the start", "get-offsets", "--topic tools --time earliest",
             r"tools:0:0\n"),
        Step("offset of the largest timestamp", "get-offsets", "--topic tools --time max-timestamp",
             r"tools:0:\d+"),
        Step("set a topic's setting", "configs", "--alter --entity-type topics --entity-name "
             "tools --add-config max.message.bytes=65536",
             r"Completed updating config for topic tools\.",
             ["describe_configs", "incremental_alter_configs"]),
        Step("describe a topic's settings", "configs",
             "--describe --entity-type topics --entity-name tools",
             r"max\.message\.bytes=65536 .*DYNAMIC_TOPIC_CONFIG:max\.message\.bytes=65536",
             ["describe_configs", "incremental_alter_configs"]),
        Step("take it away again", "configs", "--alter --entity-type topics --entity-name "
             "tools --delete-config max.message.bytes",
             r"Completed updating config for topic tools\.",
             ["describe_configs", "incremental_alter_configs"]),
        Step("refuse a wrong setting", "configs", "--alter --entity-type topics --entity-name "
             "tools --add-config retention.ms=soon", r"(?i)invalid.*retention\.ms",
             ["describe_configs", "incremental_alter_configs"]),
        Step("describe a broker's settings", "configs",
             "--describe --all --entity-type brokers --entity-name 1", r"num\.partitions=",
             ["describe_configs"]),
        Step("sizes of log directories", "log-dirs", "--describe --topic-list tools",
             r'"partition":"tools-2","size":\d+,"offsetLag":0', ["describe_log_dirs"]),
        Step("delete records", "delete-records", f"--offset-json-file {deletion}",
             r"partition: tools-1\s+low_watermark: 5", ["delete_records"]),
        Step("offsets after it", "get-offsets", "--topic tools --time earliest", r"tools:1:5\n",
             ["delete_records"]),
        Step("id of the cluster", "cluster", "cluster-id", r"Cluster ID: [\w-]{22}"),
        Step("read by assignment", "console-consumer", "--topic tools --partition 0 --offset "
             "earliest --max-messages 7", r"Processed a total of 7 messages"),
        Step("versions of the APIs", "api-versions", "",
             r"Produce\(0\): \d+ to 13 \[usable: 13\]"),
        Step("read the directory", "dump-log", "", rf"^{RECORDS} records read$"),
        Step("delete a topic", "topics", "--delete --topic tools", r"\A\s*\Z"),
        Step("delete it again", "topics", "--delete --topic tools", r"does not exist"),
    ]


def run(tool, arguments):
    command = [str(brokers.KAFKA_PEER), "tool", tool, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return f"not done after {SECONDS_MAX} s"
    return done.stdout + done.stderr


def matches(step, output):
    if callable(step.expected):
        return step.expected(output)
    return re.search(step.expected, output) is not None


def call(step, bootstrap):
    arguments = step.arguments.split()
    where = ["--bootstrap-server", bootstrap]
    return run(step.tool, [*arguments, *where] if step.tool == "cluster" else [*where, *arguments])


def dump_log(data):
    """What Kafka's tool says of all that was written, in a line; a wrong word of it is shown."""
    files = [str(path) for kind in ("log", "index", "timeindex")
             for path in sorted(data.glob(f"tools-*/*.{kind}"))]
    output = run("dump-log", ["--deep-iteration", "--print-data-log", "--files", ",".join(files)])
    found = len(re.findall(r"(?m)^\| offset: \d+ ", output))
    wrong = re.compile("(?i)isvalid: false|mismatch|exception|corrupt|not match")
    bad = next((line for line in output.splitlines() if wrong.search(line)), "")
    return f"{found} records read{', but: ' + bad if bad else ''}"


def main():
    why = brokers.missing_kafka()
    if why:
        print(f"skipped: kafka-tools: {why}\n0 passed, 0 failed")
        return 0
    shutil.rmtree(FOLDER, ignore_errors=True)
    fluxd = brokers.Fluxd(FOLDER)
    bootstrap = f"127.0.0.1:{fluxd.port}"
    served = {key["api_key"] for key in
              brokers.Connection(fluxd.port).ask("api_versions", 0, {})["api_keys"]}
    passed = failed = 0
    pending = []
    for step in steps():
        absent = [api for api in step.needs if API[api] not in served]
        if absent:
            pending.append(step.name)
            print(f"pending  {step.tool}: {step.name} (needs {', '.join(absent)})", flush=True)
            continue
        begin = time.monotonic()
        output = dump_log(fluxd.data) if step.tool == "dump-log" else call(step, bootstrap)
        right = matches(step, output)
        passed, failed = passed + right, failed + (not right)
        print(f"{'ok      ' if right else 'FAIL    '} {step.tool}: {step.name}, "
              f"{time.monotonic() - begin:.1f} s", flush=True)
        if not right:
            print("         " + "\n         ".join(output.strip().splitlines()[-12:]))
    status = fluxd.stop()
    failed += status != 0
    if not failed:
        shutil.rmtree(FOLDER, ignore_errors=True)
    print(f"{len(pending)} pending: {', '.join(pending) or 'none'}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
