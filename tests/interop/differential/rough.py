"""Clients that break off, lie about lengths or come in crowds: what they get from each broker, and
whether others and its memory suffer."""

import contextlib
import os
import resource
import socket
import struct
import threading
import time
from dataclasses import dataclass

import brokers

API = "connections"
PATIENCE_SECONDS = 3  # how long a rough client looks for an answer
# Another client's requests meanwhile, and by how much the broker may have grown.
OTHERS_SECONDS_MAX = 2.0
GROWTH_BYTES_MAX = 256 << 20
CROWD = 10_000
DESCRIPTORS_BESIDE = 200
API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 7, -1)


@dataclass(frozen=True)
class Case:
    """As a row of the page wants it."""
    bad: str
    api: str = API
    version: str = "-"


def ending(peer, patience=PATIENCE_SECONDS):
    """What the broker did with a client that says nothing more."""
    peer.settimeout(patience)
    try:
        data = peer.recv(4096)
    except TimeoutError:
        return {"connection": "open, no answer"}
    except ConnectionError:
        return {"connection": "closed"}
    return {"connection": "answered" if data else "closed"}


def send(*parts):
    def client(port):
        with socket.create_connection(("127.0.0.1", port), 20) as peer:
            for part in parts:
                with contextlib.suppress(ConnectionError):
                    peer.sendall(part)
            return ending(peer)
    return client


def crowd(port):
    """Ten thousand connections with half a request each; the last of them counts."""
    peers = []
    try:
        for _ in range(CROWD):
            peers.append(socket.create_connection(("127.0.0.1", port), 20))
            with contextlib.suppress(ConnectionError):
                peers[-1].sendall(API_VERSIONS[:7])
        kept = 0
        time.sleep(1)
        for peer in peers:
            peer.setblocking(False)
            try:
                kept += bool(peer.recv(1))
            except BlockingIOError:
                kept += 1
            except ConnectionError:
                pass
        return {"connection": f"about {round(kept, -3):,} of {CROWD:,} kept, the others closed"
                if kept < CROWD else f"{CROWD:,} kept"}
    finally:
        for peer in peers:
            peer.close()


def slowly(port):
    """A request whose bytes come one at a time is a request."""
    with socket.create_connection(("127.0.0.1", port), 20) as peer:
        for byte in API_VERSIONS:
            peer.sendall(bytes([byte]))
            time.sleep(0.02)
        return ending(peer)


CASES = (
    ("a frame said to be 2 GiB, and some of it",
     send(struct.pack(">i", 2**31 - 1), bytes(1 << 20))),
    ("a frame said to be 100 MiB, and nothing of it", send(struct.pack(">i", 100 << 20))),
    ("a frame of negative length", send(struct.pack(">i", -1))),
    ("a frame of no length", send(struct.pack(">i", 0))),
    ("a frame that ends inside its header", send(struct.pack(">ih", 2, 18))),
    ("a header with an API that nobody knows", send(struct.pack(">ihhih", 10, 999, 0, 1, -1))),
    ("garbage in a frame", send(struct.pack(">i", 64), bytes(range(100, 164)))),
    ("an HTTP request", send(b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n")),
    ("a TLS hello", send(bytes.fromhex("16030100c8010000c40303") + bytes(192))),
    ("half a request, and silence", send(API_VERSIONS[:7])),
    ("a connection that says nothing", send()),
    ("a request that comes byte by byte", slowly),
    ("10,000 connections with half a request each", crowd),
)


class Other(threading.Thread):
    """A well-behaved client beside; its slowest request."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.slowest, self.ending = port, 0.0, threading.Event()

    def run(self):
        connection = brokers.Connection(self.port)
        while not self.ending.is_set():
            began = time.monotonic()
            connection.ask("api_versions", 0, {})
            self.slowest = max(self.slowest, time.monotonic() - began)
            time.sleep(0.01)
        connection.close()


def memory(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def judge(flux, client):
    """(what the client got, what is wrong) at the broker that has to stand it."""
    before, other, wrong = memory(flux.process.pid), Other(flux.port), []
    other.start()
    answer = client(flux.port)
    other.ending.set()
    other.join(OTHERS_SECONDS_MAX + 20)
    grown = memory(flux.process.pid) - before
    if other.is_alive() or other.slowest > OTHERS_SECONDS_MAX:
        wrong.append(f"another client waited {other.slowest:.1f} s")
    if grown > GROWTH_BYTES_MAX:
        wrong.append(f"grew by {grown >> 20} MiB")
    return answer, wrong


def compare(flux, kafka):
    """Rows for the page, and what Flux did not stand."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    rows, wrong = [], []
    for bad, client in CASES:
        if client is crowd and most < CROWD + DESCRIPTORS_BESIDE:
            print(f"skipped: {bad}: only {most} descriptors are allowed here")
            continue
        ours, harm = judge(flux, client)
        wrong += [f"{bad}: {what}" for what in harm]
        rows.append((Case(bad), ours, client(kafka.port)))
    return rows, wrong
