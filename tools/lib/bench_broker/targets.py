"""The two brokers of a comparison, each with fresh data, and what /proc says of them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PEER = ROOT / "tools/peers/kafka-peer"
TICK = os.sysconf("SC_CLK_TCK")
# Of kafka-peer: the controller of a node listens on the node's port and 100 more.
CONTROLLER_OFFSET = 100
STOP_SECONDS_MAX = 60

# By mode of durability: what a topic is given at each broker, and how the tables name it.
TOPIC_SETTINGS = {
    "page-cache": {"flux": ["flux.durability=page-cache"], "kafka": []},
    "fsync": {"flux": ["flux.durability=fsync"], "kafka": ["flush.messages=1"]},
}
DURABILITY = {
    "page-cache": {"flux": "page cache", "kafka": "page cache"},
    "fsync": {"flux": "fsync", "kafka": "fsync"},
}


class Failure(Exception):
    """What ends the run, said to whoever started it."""


def boot_seconds():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def parse_stat(text):
    """Of /proc/PID/stat: processor seconds used, and when the process began, after the boot."""
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK, int(fields[19]) / TICK


def parse_memory(text):
    """Of /proc/PID/status: resident bytes now and at most."""
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return int(lines["VmRSS"].split()[0]) * 1024, int(lines["VmHWM"].split()[0]) * 1024


def stolen_seconds():
    return int(Path("/proc/stat").read_text().split()[8]) / TICK


def free_port():
    """One that is free 100 above as well."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + CONTROLLER_OFFSET))
                return port
            except (OSError, OverflowError):
                continue


class Broker:
    """Started in a folder of its own, which goes with it. `first_ack_s` is from the start of its
    process to the first record that it acknowledged."""

    side = ""

    def __init__(self, programs, folder):
        self.programs = programs
        self.folder = folder
        self.port = free_port()
        self.pid = None
        self.first_ack_s = None
        folder.mkdir(parents=True)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def cpu(self):
        return parse_stat(Path(f"/proc/{self.pid}/stat").read_text())[0]

    def memory(self):
        return parse_memory(Path(f"/proc/{self.pid}/status").read_text())

    def settings(self, durability):
        return [word for setting in TOPIC_SETTINGS[durability][self.side]
                for word in ("--setting", setting)]

    def start(self):
        """Asks for the first acknowledgement from before the process begins."""
        prober = subprocess.Popen(
            [self.programs / "raw_load", "first-ack", "--broker", self.address,
             "--topic", "first", *self.settings("page-cache")],
            stdout=subprocess.PIPE, text=True)
        try:
            began = self.launch()
            answer = prober.communicate(timeout=120)[0]
        except BaseException:
            prober.kill()
            raise
        finally:
            prober.wait()
        if prober.returncode != 0:
            raise Failure(f"{self.side} did not start; see {self.folder}")
        self.first_ack_s = json.loads(answer)["acknowledged_at_s"] - began

    def launch(self):
        raise NotImplementedError

    def end(self):
        raise NotImplementedError

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)


class Fluxd(Broker):
    side = "flux"

    def __init__(self, programs, folder, program, settings=None):
        super().__init__(programs, folder)
        self.program = program
        self.broker_settings = {"listeners": f"PLAINTEXT://{self.address}",
                                "log.dirs": folder / "data"} | (settings or {})
        self.process = None

    def launch(self):
        began = boot_seconds()
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [self.program, *(word for key, value in self.broker_settings.items()
                                 for word in ("--set", f"{key}={value}"))],
                stdout=log, stderr=log, start_new_session=True)
        self.pid = self.process.pid
        return began

    def end(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Kafka(Broker):
    """By kafka-peer: its defaults, those of the JVM's flags included."""

    side = "kafka"

    def __init__(self, programs, folder):
        super().__init__(programs, folder)
        self.starter = None

    def peer(self, *arguments):
        done = subprocess.run([PEER, *arguments, "--dir", self.folder / "cluster"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(done.stderr.strip())
        return done.stdout

    def launch(self):
        # Of its own group: an interrupt is for us, who then stop it in order.
        self.starter = subprocess.Popen(
            [PEER, "start", "--nodes", "1", "--port", str(self.port),
             "--dir", self.folder / "cluster"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
        complaint = self.starter.communicate()[1]
        if self.starter.returncode != 0:
            raise Failure(complaint.strip())
        self.pid = json.loads(self.peer("status", "--json"))["nodes"][0]["pid"]
        # Storage is formatted by another process before: that does not count.
        return parse_stat(Path(f"/proc/{self.pid}/stat").read_text())[1]

    def end(self):
        if self.starter is None:
            return
        if self.starter.poll() is None:
            # With what formats the storage; a node is of a session of its own.
            os.killpg(self.starter.pid, signal.SIGINT)
            self.starter.wait()
        if (self.folder / "cluster" / "cluster.json").exists():
            self.peer("stop", "--delete")


def kafka_version():
    """Of the version that kafka-peer runs; None when there is none yet."""
    home = Path(os.environ.get("KAFKA_PEER_HOME") or Path.home() / ".cache/kafka-peer")
    found = [path.parent.name.removeprefix("kafka-") for path in home.glob("kafka-*/lib")]
    return max(found, key=lambda text: [int(part) for part in text.split(".")], default=None)
