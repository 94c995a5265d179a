"""What a program did to its disk, read from the file that disk_recorder.cpp writes.

Stamps are one clock for all: `began` was taken before the call, `ended` after it returned (NEVER
when the program was killed inside it). Calls of several threads overlap.
"""

import mmap
import struct
from dataclasses import dataclass

MAGIC = 0x31434552584C46
HEADER = struct.Struct("<QQQQ")
ENTRY = struct.Struct("<IHHiiiIQQQqqq")
NEVER = 1 << 62

OPEN, WRITE, TRUNCATE, ALLOCATE, SYNC_DATA, SYNC_ALL, MAKE_DIRECTORY, RENAME, REMOVE, ACCEPT, \
    SEND = range(1, 12)

# Calls of the C library that could reach a disk or a client and that the recorder does not see. A
# program that has them is refused, since its recording would be a lie. (write() is not among them:
# it tells event descriptors and standard error, and were it used for a file, comparing the files
# with what the entries make of them would show it.)
UNSEEN = set("writev pwritev pwritev2 pwrite64 ftruncate64 truncate truncate64 fallocate64 "
             "posix_fallocate posix_fallocate64 copy_file_range splice tee vmsplice creat creat64 "
             "open64 openat64 openat2 sync syncfs sync_file_range msync rename remove unlink rmdir "
             "link linkat symlink symlinkat mknod mknodat accept sendmmsg sendfile64 fdopen fwrite "
             "syscall io_submit dup dup2 dup3 fork vfork".split())


@dataclass(slots=True)
class Entry:
    kind: int
    dropped: bool
    process: int
    thread: int
    fd: int
    object: int
    began: int
    ended: int
    offset: int
    length: int
    result: int
    payload: bytes

    def names(self):
        return self.payload.decode().split("\0")


def create(path, capacity):
    """An empty recording; the file is sparse."""
    with open(path, "wb") as file:
        file.truncate(capacity)
        file.write(HEADER.pack(MAGIC, 1, HEADER.size, capacity))


class Clock:
    """The clock of a recording that is being made."""

    def __init__(self, path):
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 4096)

    def now(self):
        """No entry that begins after this call has a stamp as low."""
        return struct.unpack_from("<Q", self._map, 8)[0]


def read(path):
    """The entries in the order in which they began, and the last stamp."""
    with open(path, "rb") as file:
        magic, clock, used, _ = HEADER.unpack(file.read(HEADER.size))
        if magic != MAGIC:
            raise ValueError(f"{path} is no recording")
        data = file.read(used - HEADER.size)
    entries, at = [], 0
    while at < len(data):
        (size, kind, dropped, process, thread, fd, payload_bytes, made_by, began, ended, offset,
         length, result) = ENTRY.unpack_from(data, at)
        payload = data[at + ENTRY.size:at + ENTRY.size + payload_bytes]
        entries.append(Entry(kind, bool(dropped), process, thread, fd, made_by, began,
                             ended or NEVER, offset, length, result, payload))
        at += size
    return entries, clock
