"""What a power cut may leave of the files that a recording tells of.

A file is its data operations in order and its syncs; a directory is its names, which have syncs of
their own. A cut at stamp T keeps

  - the effect of every data operation that ended before a sync of its file began that ended by T,
  - every name whose change ended before a sync of its directory began that ended by T,

and any choice of the rest that the file system allows. What a sector (512 bytes) holds is what the
page cache held of it at some moment since: write-back takes what is there, so versions of a sector
go forward one by one, while sectors are independent. README.md says which choices are made.
"""

import os
from dataclasses import dataclass, field

import recording as rec
from recording import NEVER

SECTOR = 512
PAGE_SECTORS = 8

# How the data that was not synced lies on the medium.
SHAPES = ("none", "all", "prefix", "suffix", "sectors", "pages", "one_lost", "one_kept")
# What the file system promises of names and sizes beyond POSIX.
ORDERED, DELAYED, UNORDERED, STALE = "ordered", "delayed", "unordered", "stale"
MODES = (ORDERED, DELAYED, UNORDERED, STALE)


@dataclass(slots=True)
class DataOperation:
    began: int
    ended: int
    start: int     # of what is written; of a truncation the new size
    data: bytes    # None: a truncation

    def size_after(self, size):
        return self.start if self.data is None else max(size, self.start + len(self.data))


@dataclass(slots=True, eq=False)
class File:
    name: str
    base: bytes = b""
    operations: list = field(default_factory=list)
    syncs: list = field(default_factory=list)  # (began, ended)


@dataclass(slots=True, eq=False)
class Directory:
    name: str
    base: dict = field(default_factory=dict)   # name to File or Directory
    syncs: list = field(default_factory=list)


@dataclass(slots=True)
class NameOperation:
    kind: int
    began: int
    ended: int
    touches: list  # (directory, name, what stands there afterwards or None)

    def text(self):
        verb = {rec.OPEN: "create", rec.MAKE_DIRECTORY: "mkdir", rec.RENAME: "rename",
                rec.REMOVE: "remove"}[self.kind]
        return verb + " " + " -> ".join(f"{d.name}/{name}" for d, name, _ in self.touches)


def load_tree(path, name=""):
    """The directory at `path` as it is, all of it durable."""
    directory = Directory(name)
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        child = f"{name}/{entry.name}"
        if entry.is_dir():
            directory.base[entry.name] = load_tree(entry.path, child)
        else:
            with open(entry.path, "rb") as file:
                directory.base[entry.name] = File(child, file.read())
    return directory


class History:
    """A recording as operations on the files below `root_path`, which held `root` before it."""

    def __init__(self, entries, root, root_path):
        self.root = root
        self.names = []
        self._root_path = os.path.abspath(root_path)
        self._now = {}      # directory to its names, all applied
        self._opened = {}   # stamp of the open to the file or directory
        self._process = None
        self._under_way = []  # what this process began and has not ended
        self._load(root)
        for entry in entries:
            self._replay(entry)

    def _load(self, directory):
        self._now[directory] = dict(directory.base)
        for child in directory.base.values():
            if isinstance(child, Directory):
                self._load(child)

    def _resolve(self, path):
        """The directory that holds `path`, and the name in it; None for what is elsewhere."""
        path = os.path.normpath(path)
        if path == self._root_path:
            return None, ""
        if not path.startswith(self._root_path + "/"):
            return None, None
        parts = path[len(self._root_path) + 1:].split("/")
        at = self.root
        for part in parts[:-1]:
            at = self._now[at].get(part)
            if not isinstance(at, Directory):
                return None, None
        return at, parts[-1]

    def _change(self, entry, *touches):
        for directory, name, what in touches:
            if what is None:
                self._now[directory].pop(name)
            else:
                self._now[directory][name] = what
        self.names.append(
            self._note(NameOperation(entry.kind, entry.began, entry.ended, list(touches))))

    def _replay(self, entry):
        # A call that a kill cut short may have done its work, except that nobody used the file
        # that it opened. One that failed did nothing.
        if entry.process != self._process:
            self._end_former(entry)
        if entry.ended != NEVER and entry.result < 0:
            return
        if entry.kind == rec.OPEN:
            self._replay_open(entry)
        elif entry.kind in (rec.MAKE_DIRECTORY, rec.RENAME, rec.REMOVE):
            self._replay_names(entry)
        elif entry.object in self._opened:
            self._replay_data(entry, self._opened[entry.object])

    def _end_former(self, entry):
        """What a kill cut short has ended when another process begins: its syncs cover it."""
        for operation in self._under_way:
            operation.ended = entry.began - 1
        self._process, self._under_way = entry.process, []

    def _add(self, file, entry, start, data):
        file.operations.append(self._note(DataOperation(entry.began, entry.ended, start, data)))

    def _note(self, operation):
        if operation.ended == NEVER:
            self._under_way.append(operation)
        return operation

    def _replay_open(self, entry):
        directory, name = self._resolve(entry.names()[0])
        if name == "":
            self._opened[entry.began] = self.root
        if directory is None:
            return
        found = self._now[directory].get(name)
        if found is None and entry.offset & os.O_CREAT:
            found = File(f"{directory.name}/{name}")
            self._change(entry, (directory, name, found))
        elif entry.offset & os.O_TRUNC and isinstance(found, File):
            self._add(found, entry, 0, None)
        if found is not None:
            self._opened[entry.began] = found

    def _replay_names(self, entry):
        directory, name = self._resolve(entry.names()[0])
        if directory is None:
            return
        now = self._now[directory]
        if entry.kind == rec.MAKE_DIRECTORY:
            if name in now:
                return
            made = Directory(f"{directory.name}/{name}")
            self._now[made] = {}
            self._change(entry, (directory, name, made))
        elif name not in now:
            return  # cut short before it began to matter
        elif entry.kind == rec.REMOVE:
            self._change(entry, (directory, name, None))
        else:
            target, target_name = self._resolve(entry.names()[1])
            self._change(entry, (directory, name, None), (target, target_name, now[name]))

    def _replay_data(self, entry, target):
        if entry.kind in (rec.SYNC_DATA, rec.SYNC_ALL):
            if not entry.dropped:
                target.syncs.append((entry.began, entry.ended))
        elif entry.kind == rec.WRITE:
            count = len(entry.payload) if entry.ended == NEVER else entry.result
            self._add(target, entry, entry.offset, entry.payload[:count])
        elif entry.kind == rec.TRUNCATE:
            self._add(target, entry, entry.length, None)


def covered_before(syncs, cut):
    """What ended before this stamp is covered by a sync that ended by the cut."""
    return max((began for began, ended in syncs if ended <= cut), default=0)


@dataclass
class Tally:
    """What one image, or many, did to the files."""
    torn_files: int = 0         # hold some of what was not synced, and not all
    lost_sectors: int = 0
    kept_sectors: int = 0
    zero_sectors: int = 0       # in the size, never written
    stale_sectors: int = 0
    names_undone: int = 0       # changes that took place before the cut and are not there
    renames_undone: int = 0
    removes_undone: int = 0
    names_out_of_order: int = 0  # there, although an earlier change is not
    durable_files: int = 0      # as they were, nothing in doubt

    def add(self, other):
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


class Image:
    """One choice. `mode` and `shape` may be given, else `draw` decides."""

    def __init__(self, history, cut, draw, mode=None, shape=None):
        self.cut = cut
        self.tally = Tally()
        self._draw = draw
        self.mode = mode or draw.choice(MODES)
        self.shape = shape or draw.choice(SHAPES + ("mixed",) * 3)
        self._names = {}
        self._covered = {}
        self.undone = []
        self._choose_names(history)
        self.tree = self._build(history.root)

    # --- names

    def _choose_names(self, history):
        began = [op for op in history.names if op.began <= self.cut]
        kept = self._keep_prefix(began) if self.mode in (ORDERED, DELAYED) \
            else self._keep_subset(began)
        gap = False
        for operation, keep in zip(began, kept):
            if keep:
                for directory, name, what in operation.touches:
                    entries = self._entries(directory)
                    entries[name] = what
                self.tally.names_out_of_order += gap
            elif operation.ended <= self.cut:
                gap = True
                self.undone.append(operation.text())
                self.tally.names_undone += 1
                self.tally.renames_undone += operation.kind == rec.RENAME
                self.tally.removes_undone += operation.kind == rec.REMOVE

    def _entries(self, directory):
        if directory not in self._names:
            self._names[directory] = dict(directory.base)
        return self._names[directory]

    def _must_keep(self, operation):
        return all(operation.ended < self._covered_before(directory)
                   for directory, _, _ in operation.touches)

    def _covered_before(self, directory):
        if directory not in self._covered:
            self._covered[directory] = covered_before(directory.syncs, self.cut)
        return self._covered[directory]

    def _keep_prefix(self, began):
        """A journal commits changes in the order in which they were made."""
        least = max((i + 1 for i, op in enumerate(began) if self._must_keep(op)), default=0)
        shape = self.shape if self.shape in ("none", "all") else self._draw.choice(
            ("none", "all", "some", "some"))
        count = {"none": least, "all": len(began)}.get(shape, None)
        if count is None:
            count = self._draw.randint(least, len(began))
        return [i < count for i in range(len(began))]

    def _keep_subset(self, began):
        """Each directory goes its own way; changes of one name still come one after another."""
        forced = [self._must_keep(op) for op in began]
        touched = [{(directory, name) for directory, name, _ in op.touches} for op in began]
        needed = set()
        for i in reversed(range(len(began))):
            if forced[i] or touched[i] & needed:
                forced[i] = True
                needed |= touched[i]
        share = {"none": 0.0, "all": 1.0}.get(self.shape, self._draw.choice((0.2, 0.5, 0.8)))
        kept, broken = [], set()
        for i in range(len(began)):
            keep = forced[i] or (not touched[i] & broken and self._draw.random() < share)
            if not keep:
                broken |= touched[i]
            kept.append(keep)
        return kept

    # --- content

    def _build(self, directory):
        entries = self._names.get(directory, directory.base)
        out = {}
        for name, what in entries.items():
            if isinstance(what, Directory):
                out[name] = self._build(what)
            elif what is not None:
                out[name] = self._content(what)
        return out

    def _content(self, file):
        operations = [op for op in file.operations if op.began <= self.cut]
        before = covered_before(file.syncs, self.cut)
        safe = [op.ended < before for op in operations]
        if all(safe):
            self.tally.durable_files += 1
        shape = self.shape if self.shape != "mixed" else self._draw.choice(SHAPES)
        return Content(file.base, operations, safe, self.mode, shape, self._draw,
                       self.tally).bytes()


class Content:
    """One file after the cut."""

    def __init__(self, base, operations, safe, mode, shape, draw, tally):
        self.base, self.operations, self.safe = base, operations, safe
        self.mode, self.shape, self.draw, self.tally = mode, shape, draw, tally

    def bytes(self):
        if all(self.safe):
            size, applied = self._sizes()[-1], len(self.operations)
            return self._assemble(size, {}, applied)
        size, applied = self._choose_size()
        chosen = self._choose_versions(size, applied)
        return self._assemble(size, chosen, applied)

    def _sizes(self):
        """The size before the first operation, and after each."""
        sizes = [len(self.base)]
        for operation in self.operations:
            sizes.append(operation.size_after(sizes[-1]))
        return sizes

    def _choose_size(self):
        """The size, and how many operations it includes."""
        sizes = self._sizes()
        least = max((i + 1 for i, safe in enumerate(self.safe) if safe), default=0)
        shape = self.shape
        if shape in ("sectors", "pages", "one_lost", "one_kept"):
            shape = self.draw.choice(("all", "all", "some"))
        if shape == "none":
            return sizes[least], least
        if shape in ("all", "suffix"):
            return sizes[-1], len(self.operations)
        applied = self.draw.randint(least, len(self.operations))
        size = sizes[applied]
        # Write-back of a large write moves the size page by page.
        if applied < len(self.operations) and sizes[applied + 1] > size + SECTOR:
            page = PAGE_SECTORS * SECTOR
            between = range((size // page + 1) * page, sizes[applied + 1], page)
            if between and self.draw.random() < 0.5:
                size = self.draw.choice(between)
                applied += 1
        return size, applied

    def _touching(self):
        """For each sector the operations that change it, in order."""
        sizes = self._sizes()
        count = (max(sizes) + SECTOR - 1) // SECTOR
        touching = [[] for _ in range(count)]
        for i, operation in enumerate(self.operations):
            if operation.data is None:
                first, end = operation.start // SECTOR, (sizes[i] + SECTOR - 1) // SECTOR
            else:
                first = operation.start // SECTOR
                end = (operation.start + len(operation.data) + SECTOR - 1) // SECTOR
            for sector in range(first, end):
                touching[sector].append(i)
        return touching

    def _choices(self, sector, touching, applied):
        """What the sector may hold: after which operation, -1 for before all."""
        choices, truncated = [-1], False
        for i in touching:
            cuts = self.operations[i].data is None \
                and self.operations[i].start <= sector * SECTOR
            if cuts and i >= applied:
                break  # its blocks are not freed, so nothing that came later is in them
            if self.safe[i] or cuts:
                choices = []
            choices.append(i)
            truncated = truncated or cuts
        return choices

    def _choose_versions(self, size, applied):
        touching = self._touching()[:(size + SECTOR - 1) // SECTOR]
        choices = [self._choices(sector, ops, applied) for sector, ops in enumerate(touching)]
        open_sectors = [s for s, choice in enumerate(choices) if len(choice) > 1]
        newest = self._newest(open_sectors)
        # A truncation that did not happen: what was written after it is nowhere.
        chosen = {s: choice[0] for s, choice in enumerate(choices)
                  if len(choice) == 1 and touching[s] and touching[s][-1] != choice[0]}
        sizes = self._sizes()
        lost = 0
        for sector in open_sectors:
            choice = choices[sector]
            at = self._choose_version(sector, choice, newest)
            # ext4's data=ordered: a size is on the medium after the data that it takes in.
            needed = min(size, (sector + 1) * SECTOR) if self.mode == ORDERED else 0
            while at + 1 < len(choice) and sizes[choice[at] + 1] < needed:
                at += 1
            chosen[sector] = choice[at]
            lost += at + 1 < len(choice)
        self.tally.lost_sectors += lost
        self.tally.kept_sectors += len(open_sectors) - lost
        self.tally.torn_files += 0 < lost < len(open_sectors)
        return chosen

    def _choose_version(self, sector, choice, newest):
        if sector in newest:
            return len(choice) - 1
        if self.shape in ("none", "prefix", "suffix"):
            return 0
        return self.draw.randrange(len(choice) - 1)

    def _newest(self, sectors):
        """Which of the sectors in doubt hold what was written last."""
        if self.shape == "all":
            return set(sectors)
        if self.shape == "none" or not sectors:
            return set()
        if self.shape in ("prefix", "suffix"):
            at = self.draw.randint(0, len(sectors))
            return set(sectors[:at] if self.shape == "prefix" else sectors[at:])
        if self.shape in ("one_lost", "one_kept"):
            one = self.draw.choice(sectors)
            return {one} if self.shape == "one_kept" else set(sectors) - {one}
        share = self.draw.choice((0.15, 0.5, 0.85))
        if self.shape == "sectors":
            return {s for s in sectors if self.draw.random() < share}
        pages = {s // PAGE_SECTORS: self.draw.random() < share for s in sectors}
        return {s for s in sectors if pages[s // PAGE_SECTORS]}

    def _assemble(self, size, chosen, applied):
        """Runs through all versions and takes each sector from the one that was chosen."""
        wanted = {}
        for sector, version in chosen.items():
            wanted.setdefault(version, []).append(sector)
        limit = max(self._sizes())
        now = bytearray(self.base.ljust(limit, b"\0"))
        taken = {sector: self._unwritten(sector, now) for sector in wanted.get(-1, ())}
        current = len(self.base)
        for i, operation in enumerate(self.operations):
            if operation.data is not None:
                now[operation.start:operation.start + len(operation.data)] = operation.data
            elif operation.start < current:
                now[operation.start:current] = bytes(current - operation.start)
            current = operation.size_after(current)
            for sector in wanted.get(i, ()):
                taken[sector] = bytes(now[sector * SECTOR:(sector + 1) * SECTOR])
        for sector, content in taken.items():
            now[sector * SECTOR:sector * SECTOR + len(content)] = content
        return bytes(now[:size])

    def _unwritten(self, sector, now):
        """A sector of which the medium has only what was there before: zeros where the file grew,
        or what the blocks held when they belonged to others."""
        content = bytes(now[sector * SECTOR:(sector + 1) * SECTOR])
        if sector * SECTOR < len(self.base):
            return content
        if self.mode != STALE or self.draw.random() < 0.3:
            self.tally.zero_sectors += 1
            return content
        self.tally.stale_sectors += 1
        written = [op.data for op in self.operations if op.data]
        if written and self.draw.random() < 0.7:
            other = self.draw.choice(written)
            at = self.draw.randrange(len(other))
            return (other[at:] + bytes(SECTOR))[:len(content)]
        return self.draw.randbytes(len(content))


def write_tree(tree, path):
    os.makedirs(path, exist_ok=True)
    for name, what in tree.items():
        child = f"{path}/{name}"
        if isinstance(what, dict):
            write_tree(what, child)
        else:
            with open(child, "wb") as file:
                file.write(what)


def differences(tree, path, name=""):
    """Where the files below `path` are not those of the tree."""
    found = {entry.name: entry for entry in os.scandir(path)}
    for missing in sorted(set(tree) - set(found)):
        yield f"{name}/{missing} is not there"
    for entry in found.values():
        child = f"{name}/{entry.name}"
        what = tree.get(entry.name)
        if what is None:
            yield f"{child} was not recorded"
        elif isinstance(what, dict):
            yield from differences(what, entry.path, child)
        else:
            with open(entry.path, "rb") as file:
                if file.read() != what:
                    yield f"{child} has other bytes than were recorded"
