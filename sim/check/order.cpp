#include "sim/check/order.h"

#include <fmt/format.h>

namespace flux::sim {

void OrderChecker::observe(const Observation& observation) {
  map_.observe(observation);
  unverified_.observe(observation);
  lives_.observe(observation);
  if (const auto* begun = std::get_if<Invoked>(&observation)) {
    if (begun->operation.kind == OperationKind::produce) invoked(begun->operation);
  } else if (const auto* completed = std::get_if<Completed>(&observation)) {
    const Operation& op = completed->operation;
    if (op.kind == OperationKind::produce) produced(op);
    const bool reads = op.kind == OperationKind::fetch || op.kind == OperationKind::final_read;
    if (!reads || op.outcome != Outcome::ok) return;
    if (unverified_.excuses(op)) return count("excused.unverified_read");
    read(op);
  }
}

void OrderChecker::invoked(const Operation& op) {
  const TopicPartitionName where{op.topic, op.partition};
  for (const RecordView& record : op.records) {
    sent_[record.value] = {.operation = op.id,
                           .where = where,
                           .digest = record.digest,
                           .incarnation = op.incarnation,
                           .connection = op.connection,
                           .idempotent = op.producer != kNoProducerId,
                           .acks = op.acks,
                           .outcome = Outcome::pending,
                           .invoked = op.invoked};
  }
  invoked_[op.id] = {map_.moment(), highest_[where]};
}

void OrderChecker::produced(const Operation& op) {
  for (const RecordView& record : op.records) {
    const auto sent = sent_.find(record.value);
    if (sent == sent_.end()) continue;
    sent->second.outcome = op.outcome;
    sent->second.completed = op.completed;
    sent->second.connection = op.connection;  // on which it really went
    // A client may learn its producer id after it handed the records in.
    if (op.producer != kNoProducerId) sent->second.idempotent = true;
  }
  if (op.outcome != Outcome::ok || op.acks == Acks::none) return;
  const TopicPartitionName where{op.topic, op.partition};
  const std::optional<TopicLife> life = lives_.life_of(op);
  if (!life) return count("excused.between_topics");
  auto& [asked, known] = invoked_[op.id];
  const Highest before = known[*life];
  // Offsets from a loss on are given again.
  const auto lost_before = [&](const Highest& highest, Offset offset) {
    const auto loss = map_.loss_from(where, highest.moment, Promise::survives_kill);
    return loss && *loss <= offset;
  };
  count("compared.acknowledged_order");
  if (op.base_offset <= before.offset && !lost_before(before, op.base_offset)) {
    violation(op.completed,
              fmt::format("{}: offset {} was acknowledged to a produce that began after offset {} "
                          "was acknowledged",
                          where.to_string(), op.base_offset.value(), before.offset.value()),
              {before.operation, op.id});
  }
  const Offset last = op.base_offset + (static_cast<std::int64_t>(op.records.size()) - 1);
  Highest& highest = highest_[where][*life];
  if (last > highest.offset || lost_before(highest, last)) highest = {last, op.id, asked};
}

void OrderChecker::judge_record(const Operation& op, const RecordView& record) {
  count("compared.records");
  const auto text = [&](std::string_view what) {
    return fmt::format("{}-{} offset {}: {}", op.topic, op.partition.value(), record.offset.value(),
                       what);
  };
  const auto sent = sent_.find(record.value);
  if (record.value.none() || sent == sent_.end()) {
    return violation(op.completed, text("a record was read that nobody sent"), {op.id});
  }
  const Sent& original = sent->second;
  if (original.where != TopicPartitionName{op.topic, op.partition}) {
    return violation(op.completed,
                     text("a record was read that was sent to " + original.where.to_string()),
                     {original.operation, op.id});
  }
  if (original.digest != record.digest) {
    violation(op.completed, text("a record was read with other content than was sent"),
              {original.operation, op.id});
  }
  if (original.outcome == Outcome::refused) {
    violation(op.completed, text("a record was read whose produce had been refused"),
              {original.operation, op.id});
  }
}

void OrderChecker::read(const Operation& op) {
  const TopicPartitionName where{op.topic, op.partition};
  const std::optional<TopicLife> life = lives_.life_of(op);
  if (op.kind == OperationKind::final_read) final_life_[where] = life;
  Offset expected = op.offset;
  for (const RecordView& record : op.records) {
    judge_record(op, record);
    if (record.offset < expected) {
      violation(op.completed,
                fmt::format("{}: offset {} was read where {} or more was due", where.to_string(),
                            record.offset.value(), expected.value()),
                {op.id});
    } else if (record.offset > expected && expected.value() >= 0 && life) {
      skips_.push_back({where, *life, expected, record.offset, op.id});
    }
    expected = record.offset + 1;
    if (op.kind == OperationKind::final_read) {
      final_[where][record.offset] = {record.value, record.offset, op.id};
    }
  }
}

void OrderChecker::judge_stream(const TopicPartitionName& where, const std::vector<Read>& reads,
                                Time now) {
  std::map<std::pair<std::uint32_t, std::uint64_t>, Read> last_of_producer;
  std::map<std::uint64_t, Read> last_of_connection;
  for (const Read& read : reads) {
    const auto sent = sent_.find(read.value);
    if (sent == sent_.end()) continue;
    // The next topic knows nothing of the producer: whichever of its batches comes first begins
    // there, and what was on its way to the topic before comes behind.
    if (lives_.deleted_between(where.topic, sent->second.invoked, sent->second.completed)) {
      count("excused.sent_between_topics");
      continue;
    }
    Read* last = nullptr;
    bool first = false;
    if (sent->second.idempotent) {
      const std::pair producer(read.value.client, sent->second.incarnation);
      const auto [at, fresh] = last_of_producer.try_emplace(producer, read);
      last = &at->second;
      first = fresh;
    } else if (sent->second.acks == Acks::none) {
      const auto [at, fresh] = last_of_connection.try_emplace(sent->second.connection, read);
      last = &at->second;
      first = fresh;
    }
    if (!last || first) continue;
    count("compared.sent_order");
    // That an idempotent producer's record is there once is for another checker to say.
    const bool again = !sent->second.idempotent && read.value.number == last->value.number;
    if (again || read.value.number < last->value.number) {
      violation(now,
                fmt::format("{}: value {} of client {} lies at offset {}, behind value {} at {}",
                            where.to_string(), read.value.number, read.value.client,
                            read.offset.value(), last->value.number, last->offset.value()),
                {sent->second.operation});
    }
    *last = read;
  }
}

void OrderChecker::judge_streams(Time now) {
  for (const auto& [where, records] : final_) {
    std::vector<Read> reads;
    for (const auto& [offset, read] : records) reads.push_back(read);
    judge_stream(where, reads, now);
  }
}

void OrderChecker::finish(Time now) {
  judge_streams(now);
  for (const auto& [where, records] : final_) {
    for (const auto& [offset, read] : records) {
      const auto sent = sent_.find(read.value);
      if (sent == sent_.end() || sent->second.outcome != Outcome::refused) continue;
      violation(
          now,
          fmt::format("{} offset {}: a refused record is there", where.to_string(), offset.value()),
          {sent->second.operation});
    }
  }
  for (const Skip& skip : skips_) {
    if (const auto last = final_life_.find(skip.where);
        last == final_life_.end() || last->second != skip.life) {
      continue;
    }
    count("compared.skips");
    const auto partition = final_.find(skip.where);
    if (partition == final_.end()) continue;
    const auto there = partition->second.lower_bound(skip.from);
    if (there == partition->second.end() || there->first >= skip.to) continue;
    // It may have come there after an earlier record at this offset was lost or spoiled.
    const auto loss = map_.loss_from(skip.where, 0, Promise::survives_kill);
    if (loss && *loss <= there->first) continue;
    violation(now,
              fmt::format("{}: a read from offset {} went on at {}, and offset {} is there",
                          skip.where.to_string(), skip.from.value(), skip.to.value(),
                          there->first.value()),
              {skip.operation});
  }
}

}  // namespace flux::sim
