"""Brokers for a test, each with fresh data: fluxd, and Apache Kafka by tools/peers/kafka-peer."""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

from protocol import ROOT, load_apis

# A run that is ended stops its brokers: sys.exit passes through what stops them.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

START_SECONDS_MAX = 300
KAFKA_PEER = ROOT / "tools" / "peers" / "kafka-peer"


class NoAnswer(Exception):
    """The broker closed the connection, or said nothing in time."""


class Connection:
    """One socket to a broker and the requests on it."""

    apis = load_apis()

    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.correlation = 0

    def send(self, frame):
        self.socket.sendall(frame)

    def receive(self):
        size = struct.unpack(">i", self.take(4))[0]
        return self.take(size)

    def take(self, size):
        data = b""
        while len(data) < size:
            try:
                more = self.socket.recv(size - len(data))
            except (ConnectionError, TimeoutError) as error:
                raise NoAnswer(type(error).__name__) from None
            if not more:
                raise NoAnswer("closed")
            data += more
        return data

    def ask(self, name, version, value):
        api = self.apis[name]
        self.correlation += 1
        self.send(api.frame(value, version, self.correlation))
        return api.answer(self.receive(), version)

    def close(self):
        self.socket.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_offsets(port, topic, partitions):
    connection = Connection(port)
    answer = connection.ask("list_offsets", 7, {"replica_id": -1, "topics": [
        {"name": topic, "partitions": [{"index": p, "timestamp": -1} for p in range(partitions)]}]})
    connection.close()
    return [partition["offset"] for partition in answer["topics"][0]["partitions"]]


class Fluxd:
    """A fluxd on a free port with its data below `folder`."""

    def __init__(self, folder, *settings):
        self.folder, self.settings, self.port = folder, settings, free_port()
        self.data = folder / "data"
        folder.mkdir(parents=True, exist_ok=True)
        self.process = None
        self.start()

    def start(self):
        command = [ROOT / "build/bin/fluxd"]
        for setting in (f"listeners=PLAINTEXT://127.0.0.1:{self.port}", f"log.dirs={self.data}",
                        *self.settings):
            command += ["--set", setting]
        self.log = open(self.folder / "fluxd.log", "ab")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                Connection(self.port).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"fluxd did not start; see {self.folder}/fluxd.log")
                time.sleep(0.02)

    def stop(self):
        """A clean stop; its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait()
        self.log.close()
        return status


class Kafka:
    """Apache Kafka, one node, at its defaults but for `settings`."""

    def __init__(self, folder, *settings):
        self.folder = folder / "kafka"
        shutil.rmtree(self.folder, ignore_errors=True)
        command = [KAFKA_PEER, "start", "--dir", self.folder, "--port", str(free_port()),
                   "--timeout", str(START_SECONDS_MAX)]
        for setting in settings:
            command += ["--set", setting]
        # Compiled code comes too late for runs this short.
        environment = {"KAFKA_OPTS": "-XX:TieredStopAtLevel=1", **os.environ}
        run = subprocess.run(command, capture_output=True, text=True, env=environment)
        if run.returncode != 0:
            sys.exit(f"Kafka did not start: {run.stderr}")
        self.port = int(re.search(r"bootstrap servers: 127\.0\.0\.1:(\d+)", run.stdout)[1])

    def stop(self):
        subprocess.run([KAFKA_PEER, "stop", "--dir", self.folder, "--delete"], capture_output=True)


def missing_kafka():
    """Why Apache Kafka and its tools cannot be run here, or None."""
    if not shutil.which("java"):
        return "no java"
    run = subprocess.run([KAFKA_PEER, "tool", "topics", "--version"], capture_output=True)
    return None if run.returncode == 0 else "its jars are not here"
