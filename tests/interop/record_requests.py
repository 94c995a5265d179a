#!/usr/bin/env python3
"""Writes tests/vectors/clients: requests as other people's clients send them.

fluxd advertises the port of a proxy that keeps a request of each API and version that it sees.
Each client of clients.py produces and consumes a few records; Kafka's tools send what only they do.
The proxy can make the broker look older: it caps what ApiVersions answers, and the client chooses
other versions. Names of clients as arguments leave the others out.
"""

import json
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

import brokers
from clients import CLIENTS

FRAME_BYTES_MAX = 3_000
# Highest versions by API, about as brokers of these years had them.
AGES = {
    "now": {},
    "2.6": {0: 8, 1: 11, 2: 5, 3: 9, 10: 3, 18: 3, 19: 5, 20: 4, 22: 3},
    "1.0": {0: 5, 1: 6, 2: 2, 3: 5, 10: 1, 18: 1, 19: 2, 20: 1, 22: 0},
}
API_VERSIONS = 18
TOOLS = [
    ("topics", "--create --topic tools --partitions 3 --config retention.ms=7200000"),
    ("topics", "--describe --topic tools"),
    ("topics", "--alter --topic tools --partitions 5"),
    ("configs", "--alter --entity-type topics --entity-name tools --add-config retention.ms=99999"),
    ("configs", "--describe --all --entity-type topics --entity-name tools"),
    ("get-offsets", "--topic tools --time max-timestamp"),
    ("log-dirs", "--describe --topic-list tools"),
    ("topics", "--delete --topic tools"),
]


class Proxy(threading.Thread):
    """Between clients and the broker; `frames` is what the client of now has sent, `caps` what the
    broker is made to look like."""

    def __init__(self, port, target):
        super().__init__(daemon=True)
        self.target, self.frames, self.caps = target, {}, {}
        self.asked = {}  # by socket and correlation: version of an ApiVersions request
        self.listener = socket.create_server(("127.0.0.1", port))
        self.start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            broker = socket.create_connection(("127.0.0.1", self.target))
            for source, sink, change in ((client, broker, self.keep), (broker, client, self.cap)):
                threading.Thread(target=self.pump, args=(source, sink, change, client.fileno()),
                                 daemon=True).start()

    def pump(self, source, target, change, number):
        seen = b""
        try:
            while data := source.recv(65536):
                seen += data
                while len(seen) >= 4 and len(seen) >= 4 + struct.unpack(">i", seen[:4])[0]:
                    size = struct.unpack(">i", seen[:4])[0]
                    frame, seen = change(seen[4:4 + size], number), seen[4 + size:]
                    target.sendall(struct.pack(">i", len(frame)) + frame)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def keep(self, frame, number):
        """The largest of its kind that is still small says most."""
        api, version, correlation = struct.unpack(">hhi", frame[:8])
        known = self.frames.get((api, version))
        if len(frame) <= FRAME_BYTES_MAX and (known is None or len(frame) > len(known)):
            self.frames[api, version] = frame
        if api == API_VERSIONS:
            self.asked[number, correlation] = version
        return frame

    def cap(self, frame, number):
        version = self.asked.pop((number, struct.unpack(">i", frame[:4])[0]), None)
        api = brokers.Connection.apis["api_versions"]
        if version not in api.versions or not self.caps:
            return frame  # one that fluxd does not know is refused and asked again
        answer = api.answer(frame, version)
        for one in answer["api_keys"]:
            one["max_version"] = min(one["max_version"], self.caps.get(one["api_key"], 99))
        answer["supported_features"] = answer["finalized_features"] = []
        return frame[:4] + api.response.encode(answer, version)


def write(name, frames, written):
    """Without what fluxd does not know: that is asked once, refused, and asked again lower."""
    known = {api.key: api.versions for api in brokers.Connection.apis.values()}
    frames = {kind: frame for kind, frame in frames.items() if kind[1] in known.get(kind[0], ())}
    lines = [json.dumps({"api": api, "version": version, "frame": frame.hex()})
             for (api, version), frame in sorted(frames.items())]
    path = brokers.ROOT / "tests" / "vectors" / "clients" / f"{name}.json"
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    written.append(len(lines))
    print(f"{name}: {len(lines)} requests", flush=True)


def make_topics(client, age, port):
    """franz-go makes none by asking for it."""
    connection = brokers.Connection(port)
    connection.ask("create_topics", 5, {"timeout_ms": 10_000, "topics": [
        {"name": f"{client.name}-{age}-{acks}", "num_partitions": 2, "replication_factor": 1}
        for acks in ("all", "1")]})
    connection.close()


def run_client(client, age, port):
    base = int(time.time() * 1000) - 60_000
    where = ["--bootstrap", f"127.0.0.1:{port}", "--partitions", 2]
    for acks in ("all", "1") if age == "now" else ("1",):
        topic = ["--topic", f"{client.name}-{age}-{acks}"]
        subprocess.run(client.call("produce", *where, *topic, "--records", 8, "--base-ms", base,
                                   "--acks", acks), env=client.environment)
        if client.consumes:
            subprocess.run(client.call("consume", *where, *topic), env=client.environment,
                           stdout=subprocess.DEVNULL)


def main():
    folder = brokers.ROOT / "build" / "interop" / "record"
    shutil.rmtree(folder, ignore_errors=True)
    port, written = brokers.free_port(), []
    fluxd = brokers.Fluxd(folder, f"advertised.listeners=PLAINTEXT://127.0.0.1:{port}",
                          "num.partitions=2")
    proxy = Proxy(port, fluxd.port)
    try:
        for client in CLIENTS:
            if sys.argv[1:] and client.name not in sys.argv[1:]:
                continue
            why = client.missing()
            if why:
                print(f"skipped: {client.name}: {why}")
                continue
            proxy.frames = {}
            for age, proxy.caps in AGES.items():
                make_topics(client, age, fluxd.port)
                run_client(client, age, port)
            write(client.name, dict(proxy.frames), written)
        if (not sys.argv[1:] or "kafka-tools" in sys.argv[1:]) and not brokers.missing_kafka():
            proxy.frames, proxy.caps = {}, {}
            for tool, arguments in TOOLS:
                subprocess.run([brokers.KAFKA_PEER, "tool", tool, "--bootstrap-server",
                                f"127.0.0.1:{port}", *arguments.split()],
                               stdout=subprocess.DEVNULL)
            write("kafka-tools", dict(proxy.frames), written)
    finally:
        fluxd.stop()
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{sum(written)} requests of {len(written)} clients")
    return 0


if __name__ == "__main__":
    sys.exit(main())
