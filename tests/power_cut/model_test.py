#!/usr/bin/env python3
"""The model of crash images: what a cut keeps and what it may lose. A model that keeps too much
finds nothing; one that loses what was synced accuses the innocent."""

import os
import random
import tempfile
import unittest
from dataclasses import fields

import batches
import recording as rec
import wire
from crash_images import MODES, ORDERED, DELAYED, SECTOR, Directory, File, History, Image, \
    differences, write_tree
from recording import NEVER, Entry

DRAWS = 300


class Script:
    """Entries written by hand. Calls end at once, unless `open_end` leaves them open."""

    def __init__(self):
        self.entries, self.clock, self.objects, self.process = [], 0, {}, 1

    def call(self, kind, ends=True, **values):
        self.clock += 1
        filled = {field.name: 0 for field in fields(Entry)} | {
            "payload": b"", "dropped": False, "process": self.process}
        entry = Entry(**filled | values | {"kind": kind, "began": self.clock, "ended": NEVER})
        self.entries.append(entry)
        if ends:
            self.end(entry)
        return entry

    def end(self, entry):
        self.clock += 1
        entry.ended = self.clock

    def open(self, path, flags=os.O_CREAT):
        entry = self.call(rec.OPEN, offset=flags, payload=("/disk" + path).encode())
        self.objects[path] = entry.began

    def write(self, path, offset, data, ends=True):
        return self.call(rec.WRITE, ends, object=self.objects[path], offset=offset,
                         length=len(data), result=len(data), payload=data)

    def truncate(self, path, size):
        self.call(rec.TRUNCATE, object=self.objects[path], length=size)

    def sync(self, path, ends=True, dropped=False):
        if path not in self.objects:
            self.open(path, 0)
        return self.call(rec.SYNC_DATA, ends, object=self.objects[path], dropped=dropped)

    def rename(self, source, target):
        self.call(rec.RENAME, payload=f"/disk{source}\0/disk{target}".encode())

    def remove(self, path):
        self.call(rec.REMOVE, payload=("/disk" + path).encode())

    def history(self, **base):
        root = Directory("", {name: File(name, data) for name, data in base.items()})
        return History(self.entries, root, "/disk")

    def images(self, modes=MODES, **base):
        history = self.history(**base)
        for i in range(DRAWS):
            yield Image(history, self.clock, random.Random(i), mode=modes[i % len(modes)])

    def contents(self, name, modes=MODES, **base):
        """What the file may be; None: it is not there."""
        return {image.tree.get(name) for image in self.images(modes, **base)}


def letters(text):
    return b"".join(letter.encode() * SECTOR for letter in text)


class ModelTest(unittest.TestCase):
    def setUp(self):
        self.script = Script()

    def made(self, name="/f"):
        """A file whose name is durable."""
        self.script.open(name)
        self.script.sync("/")

    def test_what_a_sync_covers_is_in_every_image(self):
        self.made()
        self.script.write("/f", 0, letters("ab"))
        self.script.sync("/f")
        self.assertEqual({letters("ab")}, self.script.contents("f"))

    def test_a_sync_that_does_nothing_covers_nothing(self):
        self.made()
        self.script.write("/f", 0, letters("ab"))
        self.script.sync("/f", dropped=True)
        self.assertIn(b"", self.script.contents("f"))

    def test_a_write_under_way_when_the_sync_began_is_not_covered(self):
        self.made()
        late = self.script.write("/f", 0, letters("a"), ends=False)
        sync = self.script.sync("/f", ends=False)
        self.script.end(late)
        self.script.end(sync)
        self.assertIn(b"", self.script.contents("f"))

    def test_a_sync_under_way_at_the_cut_covers_nothing_for_sure(self):
        self.made()
        self.script.write("/f", 0, letters("a"))
        self.script.sync("/f", ends=False)
        self.assertEqual({b"", letters("a")},
                         self.script.contents("f", modes=(ORDERED,)))

    def test_sectors_survive_in_any_subset(self):
        self.made()
        self.script.write("/f", 0, letters("abc"))
        self.script.sync("/f")
        self.script.write("/f", 0, letters("xyz"))
        wanted = {letters(a + b + c) for a in "ax" for b in "by" for c in "cz"}
        self.assertEqual(wanted, self.script.contents("f"))

    def test_a_sector_goes_through_its_versions(self):
        self.made()
        self.script.write("/f", 0, letters("a"))
        self.script.sync("/f")
        self.script.write("/f", 0, b"b" * 10)
        self.script.write("/f", 20, b"c" * 10)
        first = b"b" * 10 + b"a" * (SECTOR - 10)
        both = first[:20] + b"c" * 10 + first[30:]
        self.assertEqual({letters("a"), first, both}, self.script.contents("f"))

    def test_data_comes_before_the_size_where_the_file_system_says_so(self):
        self.made()
        self.script.write("/f", 0, letters("abcd"))
        for content in self.script.contents("f", modes=(ORDERED,)):
            self.assertTrue(letters("abcd").startswith(content), content[::SECTOR])
        self.assertTrue(any(b"\0" in content for content in
                            self.script.contents("f", modes=(DELAYED,))))

    def test_what_follows_a_lost_truncation_is_lost(self):
        self.script.open("/f")
        self.script.truncate("/f", 0)
        self.script.write("/f", 0, letters("x"))
        for content in self.script.contents("f", f=letters("ab")):
            self.assertIn(content, (letters("ab"), b"", letters("x"), letters("\0")))

    def test_a_name_needs_a_sync_of_its_directory(self):
        self.script.open("/f")
        self.script.write("/f", 0, letters("a"))
        self.script.sync("/f")
        self.assertEqual({None, letters("a")}, self.script.contents("f"))
        self.script.sync("/")
        self.assertEqual({letters("a")}, self.script.contents("f"))

    def test_what_a_kill_cut_short_is_covered_by_the_next_process(self):
        self.script.call(rec.OPEN, ends=False, offset=os.O_CREAT, payload=b"/disk/f")
        self.script.process = 2
        self.script.open("/f", 0)
        self.script.sync("/")
        self.assertEqual({b""}, self.script.contents("f"))

    def test_a_file_is_replaced_as_a_whole(self):
        self.script.open("/t")
        self.script.write("/t", 0, b"new")
        self.script.sync("/t")
        self.script.rename("/t", "/f")
        self.assertEqual({b"old", b"new"}, self.script.contents("f", f=b"old"))
        self.script.sync("/")
        self.assertEqual({b"new"}, self.script.contents("f", f=b"old"))
        self.assertEqual({None}, self.script.contents("t", f=b"old"))

    def test_a_removed_file_may_be_back(self):
        self.script.remove("/f")
        self.assertEqual({None, b"old"}, self.script.contents("f", f=b"old"))
        self.script.sync("/")
        self.assertEqual({None}, self.script.contents("f", f=b"old"))

    def test_a_journal_keeps_the_order_of_names(self):
        for name in "abc":
            self.script.open("/" + name)

        def trees(modes):
            return {"".join(sorted(image.tree)) for image in self.script.images(modes)}

        self.assertEqual({"", "a", "ab", "abc"}, trees((ORDERED, DELAYED)))
        self.assertEqual({"", "a", "b", "c", "ab", "ac", "bc", "abc"}, trees(("unordered",)))

    def test_all_of_it_applied_is_what_was_there(self):
        self.made()
        self.script.write("/f", 0, b"seen")
        with tempfile.TemporaryDirectory() as folder:
            image = Image(self.script.history(), self.script.clock, random.Random(1),
                          mode="unordered", shape="all")
            write_tree(image.tree, folder)
            self.assertEqual([], list(differences(image.tree, folder)))
            with open(f"{folder}/f", "ab") as file:
                file.write(b"unseen")
            open(f"{folder}/g", "w").close()
            self.assertEqual(2, len(list(differences(image.tree, folder))))


class ClientTest(unittest.TestCase):
    def test_checksum(self):
        self.assertEqual(0xE3069283, batches.crc32c(b"123456789"))

    def test_batches_are_taken_apart_as_they_were_made(self):
        for codec in batches.CODECS:
            made = batches.make([b"one", b"two"], codec, batches.Producer(7, 0), 5, 0)
            stored, = batches.split(made + made[:20])
            self.assertEqual((0, 2, 7, 5), (stored.base, stored.count, stored.producer,
                                            stored.sequence))
            self.assertEqual(made[batches.UNBOUND:], stored.content)

    def test_a_fetch_names_each_topic_once(self):
        body = wire.fetch_body([("a", 0, 1), ("b", 0, 2), ("a", 1, 3)])
        self.assertEqual(1, body.count(wire.text("a")))


if __name__ == "__main__":
    unittest.main()
