// What tests of the log share: batches, opening, and reading all of a log back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/log/log.h"
#include "core/log/names.h"
#include "core/record/batch_builder.h"
#include "tests/support/small_node.h"

namespace flux::test {

inline log::LogIdentity identity_of(std::int32_t partition = 0) {
  return {"t", PartitionIndex(partition), Uuid{0x1122334455667788, 0x99AABBCCDDEEFF00}};
}
inline constexpr std::string_view kLogDirectory = "data/t-0";

struct BatchSpec {
  int records = 1;
  std::int64_t timestamp = 1'700'000'000'000;
  record::Codec codec = record::Codec::none;
  std::int64_t producer = -1;
  std::int16_t epoch = -1;
  std::int32_t sequence = -1;
};

// Records with values "<tag>/0", "<tag>/1" ...
inline Bytes make_batch(std::string_view tag, const BatchSpec& spec = {}) {
  record::BatchBuilder builder({.codec = spec.codec,
                                .producer_id = ProducerId(spec.producer),
                                .producer_epoch = ProducerEpoch(spec.epoch),
                                .base_sequence = Sequence(spec.sequence)});
  for (int i = 0; i < spec.records; ++i) {
    const std::string value = std::string(tag) + "/" + std::to_string(i);
    builder.add(record::Timestamp(spec.timestamp + i), std::nullopt, as_bytes(value));
  }
  Result<Bytes> out = builder.build();
  EXPECT_TRUE(out.has_value());
  return std::move(*out);
}

using LogPointer = std::shared_ptr<log::Log>;

inline Result<LogPointer> open_log(env::Task& task, env::Env& env, const log::LogConfig& config) {
  TRY(env::make_directories(task, env.disk, "data"));
  return log::Log::open(task, env, std::string(kLogDirectory), identity_of(), config);
}

inline Result<log::Appended> append(env::Task& task, log::Log& log, std::string_view tag,
                                    const BatchSpec& spec = {}, std::int32_t epoch = 0) {
  Bytes batch = make_batch(tag, spec);
  return log.append(task, batch, {.epoch = LeaderEpoch(epoch)});
}

// Appends and waits until it is durable.
inline Result<log::Appended> append_synced(env::Task& task, log::Log& log, std::string_view tag,
                                           const BatchSpec& spec = {}) {
  log::Appended out = TRY(append(task, log, tag, spec));
  TRY(log.sync(task, out.end));
  return out;
}

// As though the log had not been closed in order: opening has to read it.
inline void take_clean_mark_away(env::Task& task, env::Env& env) {
  const std::string path = std::string(kLogDirectory) + "/" + std::string(log::kCleanFile);
  EXPECT_TRUE(env.disk.remove(task, path).has_value());
}

// One entry for each offset from `from` on: the value, or the name of the error ("corrupt").
inline std::vector<std::string> read_all(env::Task& task, log::Log& log, Offset from = Offset(0),
                                         std::size_t bytes_max = 1U << 20) {
  std::vector<std::string> out;
  Offset at = from;
  while (at < log.end_offset()) {
    const Result<log::Slice> slice = log.read(task, at, {.bytes_max = bytes_max});
    if (!slice) {
      out.emplace_back(name_of(slice.error().code()));
      ++at;
      continue;
    }
    EXPECT_FALSE(slice->empty());
    if (slice->empty()) break;
    const Result<Bytes> bytes = log.bytes_of(task, *slice);
    EXPECT_TRUE(bytes.has_value());
    if (!bytes) break;
    Offset next = slice->first;
    for (ByteView rest = *bytes; !rest.empty();) {
      const auto batch = record::BatchView::take(rest);
      EXPECT_TRUE(batch && batch->crc_fits() && batch->base_offset() == next);
      if (!batch) return out;
      next = batch->next_offset();
      Bytes storage;
      const auto records = record::records_of(*batch, storage, 1U << 24);
      EXPECT_TRUE(records.has_value());
      record::RecordReader reader(*records, batch->record_count());
      while (!reader.done()) {
        const auto record = reader.next();
        EXPECT_TRUE(record.has_value());
        if (record->offset(*batch) >= at) out.emplace_back(as_text(*record->value));
      }
    }
    EXPECT_EQ(slice->next, next);
    at = slice->next;
  }
  return out;
}

// What the batches that can be read say of their producers.
inline log::ProducerState fold_of(env::Task& task, log::Log& log) {
  log::ProducerState out(log.config().producer_batches_kept);
  for (Offset at = log.start_offset(); at < log.end_offset();) {
    const Result<log::Slice> slice = log.read(task, at);
    EXPECT_TRUE(slice && !slice->empty());
    if (!slice || slice->empty()) break;
    const Bytes bytes = *log.bytes_of(task, *slice);
    for (ByteView rest = bytes; !rest.empty();) {
      const auto batch = *record::BatchView::take(rest);
      out.apply(batch, batch.base_offset());
    }
    at = slice->next;
  }
  return out;
}

// Small numbers, so that rolls, groups and index entries happen in small tests.
inline log::LogConfig small_config() {
  log::LogConfig config;
  config.segment_bytes = 500;
  config.index_interval_bytes = 100;
  config.block_bytes = 150;
  return config;
}

}  // namespace flux::test
