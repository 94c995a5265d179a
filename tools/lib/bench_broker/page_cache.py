"""The page cache as a broker that has run for a day finds it: full.

A virtual machine gives memory that nobody uses back to its host within seconds. Whoever fills the
page cache next pays for taking it again, several times what the write itself takes, and how much of
it there was to take decides the figures of both brokers. In a full page cache a write takes the
place of what is oldest there, which costs the same at every hour.
"""

import os
from pathlib import Path

# Left to the brokers and their clients.
LEFT_BYTES = 512 << 20
STEP_BYTES = 64 << 20


def available_bytes():
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


class FullPageCache:
    """Holds a file of nothing but a hole, as large as the memory that is free for such; reading it
    fills the page cache and touches no disk."""

    def __init__(self, folder):
        self.path = folder / "filler"
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        self.size = max(0, available_bytes() - LEFT_BYTES)
        os.ftruncate(self.file, self.size)
        # What is read again is still the first that gives way.
        os.posix_fadvise(self.file, 0, 0, os.POSIX_FADV_NOREUSE)
        self.nowhere = os.open(os.devnull, os.O_WRONLY)

    def fill(self):
        for at in range(0, self.size, STEP_BYTES):
            end = min(at + STEP_BYTES, self.size)
            while at < end:
                at += os.sendfile(self.nowhere, self.file, at, end - at)

    def close(self):
        os.close(self.file)
        os.close(self.nowhere)
        self.path.unlink()
