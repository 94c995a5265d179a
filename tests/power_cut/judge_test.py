#!/usr/bin/env python3
"""The judge and the ledger without a broker: each way in which a log can be wrong is named."""

import unittest
from dataclasses import fields

import recording as rec
from batches import Stored
from judge import Judge, Log
from ledger import Ledger, Read, Sent, Start, Topic
from recording import NEVER, Entry

CUT = 100


def entry(**values):
    filled = {field.name: 0 for field in fields(Entry)} | {"payload": b"", "dropped": False}
    return Entry(**filled | values)


class JudgeTest(unittest.TestCase):
    """One topic of one partition with three acknowledged batches of two records each."""

    def setUp(self):
        self.ledger = Ledger()
        self.topic(0, "t", created=10)
        for i in range(3):
            self.send(f"batch-{i}", 2 * i, answered=50 + i)
        self.log = Log(0, 6, [self.stored(f"batch-{i}", 2 * i) for i in range(3)])

    def topic(self, index, name, durable=True, shrinks=False, **stamps):
        self.ledger.topics.append(Topic(index, name, 1, durable, shrinks,
                                        **{"create_sent": 5, "created": NEVER, "deleted": NEVER}
                                        | stamps))

    def send(self, content, base, answered, acks=-1, sent=20):
        self.ledger.sent.append(Sent(0, 0, acks, 2, -1, -1, content.encode(), sent, base, answered))

    def stored(self, content, base):
        return Stored(base, 2, -1, -1, content.encode())

    def problems(self, **options):
        judge = Judge(self.ledger, CUT, **options)
        judge._judge_log(self.ledger.topics[0], 0, self.log)
        return judge.verdict.problems

    def expect(self, *words, **options):
        found = self.problems(**options)
        for word in words:
            self.assertTrue(any(word in problem for problem in found), f"{word} not in {found}")
        self.assertEqual(bool(words), bool(found), found)

    def test_all_there(self):
        self.expect()

    def test_an_acknowledged_batch_is_lost(self):
        self.log = Log(0, 4, self.log.stored[:2])
        self.expect("2 acknowledged records at 4: nothing there, the log ends at 4")

    def test_what_was_acknowledged_after_the_cut_is_not_owed(self):
        self.log = Log(0, 4, self.log.stored[:2])
        self.ledger.sent[2].answered = CUT + 1
        self.expect()

    def test_acks_1_is_owed_after_a_kill_only(self):
        self.log = Log(0, 4, self.log.stored[:2])
        self.ledger.sent[2].acks = 1
        self.expect()
        self.expect("2 acknowledged records at 4", kill=True)

    def test_page_cache_is_owed_after_a_kill_only(self):
        self.log = Log(0, 4, self.log.stored[:2])
        self.ledger.topics[0].durable = False
        self.expect()
        self.expect("2 acknowledged records at 4", kill=True)

    def test_a_batch_is_at_another_offset(self):
        self.log.stored[1].content, self.log.stored[2].content = b"batch-2", b"batch-1"
        self.expect("acknowledged at 4, now at 2", "acknowledged at 2, now at 4", "other bytes")

    def test_a_batch_is_there_twice(self):
        self.log = Log(0, 8, self.log.stored + [self.stored("batch-1", 6)])
        self.expect("the batch at 2 is at 6 too")

    def test_a_batch_that_nobody_had_sent_yet(self):
        self.send("later", -1, answered=NEVER, sent=CUT + 1)
        self.log = Log(0, 8, self.log.stored + [self.stored("later", 6)])
        self.expect("what nobody sent lies at offset 6")

    def test_a_hole(self):
        self.log.stored[2].base = 5
        self.expect("offset 4 is followed by 5")

    def test_the_high_watermark_is_beyond_the_log(self):
        self.log.high = 9
        self.expect("ends at 6, below the high watermark 9")

    def test_what_was_read_has_changed(self):
        self.ledger.reads = [Read(0, 0, 2, b"batch-1", 60), Read(0, 0, 4, b"another", 60),
                             Read(0, 0, 6, b"later", CUT + 1)]
        self.expect("what was read at 4 is not there")

    def test_the_start_is_one_that_was_asked_for(self):
        self.log = Log(2, 6, self.log.stored[1:])
        self.expect("starts at 2, which is not 0 to 0")
        self.ledger.starts = [Start(0, 0, 2, sent=CUT - 1, answered=NEVER)]
        self.expect()
        self.ledger.starts = [Start(0, 0, 4, sent=60, answered=70)]
        self.expect("starts at 2, which is not 4 to 4")

    def test_retention_moves_the_start_by_itself(self):
        self.log = Log(2, 6, self.log.stored[1:])
        self.ledger.topics[0].shrinks = True
        self.expect()

    def test_fetching_fails(self):
        self.log.error = 2
        self.expect("is answered by error 2")

    def topics_problems(self, there):
        judge = Judge(self.ledger, CUT)
        judge._judge_topics(there)
        return judge.verdict.problems

    def test_topics(self):
        self.topic(1, "deleted", created=10, delete_sent=20, deleted=30)
        self.topic(2, "in-doubt", created=10, delete_sent=20, deleted=CUT + 1)
        self.topic(3, "later", create_sent=CUT + 1)
        self.assertEqual([], self.topics_problems({"t": 1}))
        self.assertEqual([], self.topics_problems({"t": 1, "in-doubt": 1}))
        for wrong in ({}, {"t": 2}, {"t": 1, "deleted": 1}, {"t": 1, "later": 1},
                      {"t": 1, "unknown": 1}):
            self.assertEqual(1, len(self.topics_problems(wrong)), wrong)


class LedgerTest(unittest.TestCase):
    def test_an_answer_counts_from_when_its_last_byte_began_to_leave(self):
        ledger = Ledger(producer_ids=[[1, (4000, 10)], [2, (4000, 30)], [3, (4000, 31)],
                                      [4, None], [5, (4001, 1)]])
        ledger.settle([entry(kind=rec.ACCEPT, began=5, ended=6, offset=4000, result=9),
                       entry(kind=rec.SEND, object=5, began=7, ended=8, length=20, result=20),
                       entry(kind=rec.SEND, object=5, began=9, ended=10, length=20, result=-11),
                       entry(kind=rec.SEND, object=5, began=11, ended=NEVER, length=10),
                       entry(kind=rec.SEND, object=3, began=12, ended=13, length=9, result=9)])
        self.assertEqual([7, 11, NEVER, NEVER, NEVER],
                         [answered for _, answered in ledger.producer_ids])

    def test_a_recording_goes_on_with_what_the_cut_left(self):
        ledger = Ledger(topics=[Topic(0, "gone", 1, True, False, 1, 2, 3, 4),
                                Topic(1, "t", 1, True, False, 1, 2, NEVER, NEVER)],
                        sent=[Sent(1, 0, -1, 1, -1, -1, b"a", 5, 0, 6),
                              Sent(1, 0, -1, 1, -1, -1, b"b", 7, 1, CUT + 1),
                              Sent(1, 0, -1, 1, -1, -1, b"c", CUT + 1, 2, CUT + 2),
                              Sent(0, 0, -1, 1, -1, -1, b"d", 2, 0, 3)])
        kept = ledger.carried_over(CUT)
        self.assertEqual(["t"], [topic.name for topic in kept.topics])
        self.assertEqual([(0, b"a", 0, 0), (0, b"b", -1, NEVER)],
                         [(sent.topic, sent.content, sent.base, sent.answered)
                          for sent in kept.sent])
        ledger.topics[1].deleted, ledger.topics[1].delete_sent = CUT + 1, CUT - 1
        self.assertIsNone(ledger.carried_over(CUT))


if __name__ == "__main__":
    unittest.main()
