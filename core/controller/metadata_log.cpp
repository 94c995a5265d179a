#include "core/controller/metadata_log.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/base/mark.h"
#include "core/controller/decisions.h"
#include "core/record/batch_builder.h"

namespace flux::controller {

namespace {

constexpr std::string_view kSuffix = ".checkpoint";
constexpr std::size_t kEndDigits = 20;
constexpr std::size_t kEpochDigits = 10;

// Kafka's ControlRecordType.
constexpr std::int16_t kLeaderChange = 2;
constexpr std::int16_t kSnapshotHeader = 3;
constexpr std::int16_t kSnapshotFooter = 4;

Result<Bytes> control_batch(std::int16_t type, ByteView value, std::int64_t now_ms, Offset base,
                            LeaderEpoch epoch) {
  Bytes control_key(4);
  store_be<std::int16_t>(control_key.data(), 0);
  store_be<std::int16_t>(control_key.data() + 2, type);
  record::BatchBuilder builder({.base_offset = base, .leader_epoch = epoch, .control = true});
  builder.add(record::Timestamp(now_ms), ByteView(control_key), value);
  return builder.build();
}

Result<std::int16_t> control_type(const record::BatchView& batch) {
  Bytes storage;
  record::RecordReader reader(TRY(record::records_of(batch, storage, kMetadataBatchSizeMax)),
                              batch.record_count());
  if (reader.done()) return fail(ErrorCode::corrupt, "a control batch without a record");
  const record::Record record = TRY(reader.next());
  if (!record.key || record.key->size() < 4) {
    return fail(ErrorCode::corrupt, "a control record without a type");
  }
  return load_be<std::int16_t>(record.key->data() + 2);
}

template <class T>
bool parse_digits(std::string_view text, T& out) {
  if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return false;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && at == text.data() + text.size();
}

// Whole batches whose checksums fit, between a header and a footer.
Result<void> check_snapshot(ByteView bytes) {
  std::int16_t last_type = 0;
  for (bool first = true; !bytes.empty(); first = false) {
    const record::BatchView batch = TRY(record::BatchView::take(bytes));
    if (!batch.crc_fits()) return fail(ErrorCode::corrupt, "a batch's checksum does not fit");
    last_type = batch.control() ? TRY(control_type(batch)) : std::int16_t{0};
    if (first && last_type != kSnapshotHeader) return fail(ErrorCode::corrupt, "no header");
  }
  if (last_type != kSnapshotFooter) return fail(ErrorCode::corrupt, "no footer");
  return {};
}

}  // namespace

std::string snapshot_name(Offset end, LeaderEpoch epoch) {
  return fmt::format("{:020}-{:010}{}", end.value(), epoch.value(), kSuffix);
}

Result<SnapshotId> parse_snapshot_name(std::string_view name) {
  std::int64_t end = 0;
  std::int32_t epoch = 0;
  if (name.size() != kEndDigits + 1 + kEpochDigits + kSuffix.size() || !name.ends_with(kSuffix) ||
      name[kEndDigits] != '-' || !parse_digits(name.substr(0, kEndDigits), end) ||
      !parse_digits(name.substr(kEndDigits + 1, kEpochDigits), epoch)) {
    return fail(ErrorCode::invalid, fmt::format("{} is no snapshot's name", name));
  }
  return SnapshotId{Offset(end), LeaderEpoch(epoch)};
}

std::string MetadataLog::directory() const {
  return fmt::format("{}/{}-0", config_.data_directory, kMetadataTopic);
}

Result<std::unique_ptr<MetadataLog>> MetadataLog::open(env::Task& task, env::Env& env,
                                                       const RecordCodec& codec,
                                                       const MetadataLogConfig& config,
                                                       Metadata& metadata) {
  std::unique_ptr<MetadataLog> out(new MetadataLog(env, codec, config));
  const log::LogIdentity identity{std::string(kMetadataTopic), PartitionIndex(0), kMetadataTopicId};
  out->log_ = TRY(log::Log::open(task, env, out->directory(), identity, config.log));
  auto loaded = out->load(task, metadata);
  if (!loaded) return std::unexpected(loaded.error().in(out->directory()));
  return out;
}

Result<void> MetadataLog::load(env::Task& task, Metadata& metadata) {
  epoch_ = std::max(LeaderEpoch(0), log_->epochs().latest());
  TRY(load_snapshots(task, metadata));
  if (log_->end_offset() < snapshot_end_) {
    return fail(ErrorCode::corrupt, fmt::format("the log ends at {}, before its snapshot at {}",
                                                log_->end_offset().value(), snapshot_end_.value()));
  }
  Offset at = std::max(snapshot_end_, log_->start_offset());
  if (at > snapshot_end_) {
    return fail(ErrorCode::corrupt,
                fmt::format("the log begins at {} and no snapshot reaches it", at.value()));
  }
  while (at < log_->end_offset()) {
    const log::Slice slice = TRY(log_->read(task, at));
    if (slice.empty()) break;
    const Bytes bytes = TRY(log_->bytes_of(task, slice));
    TRY(fold(task, bytes, metadata));
    at = slice.next;
  }
  metadata.set_end(log_->end_offset());
  return {};
}

Result<void> MetadataLog::load_snapshots(env::Task& task, Metadata& metadata) {
  std::vector<std::pair<SnapshotId, std::string>> found;
  for (const env::DirectoryEntry& entry : TRY(env_.disk.list(task, directory()))) {
    if (auto id = parse_snapshot_name(entry.name)) found.emplace_back(*id, entry.name);
  }
  // From the newest: one that does not verify, or cannot be read, is as if it were not there, since
  // the log still has what it holds, or an older one does. One of a newer release is refused.
  std::ranges::sort(found, std::greater<>());
  for (const auto& [id, name] : found) {
    auto loaded = load_snapshot(task, name, metadata);
    if (loaded) {
      snapshot_end_ = id.end;
      epoch_ = std::max(epoch_, id.epoch);
      return {};
    }
    const ErrorCode why = loaded.error().code();
    if (why == ErrorCode::unsupported || why == ErrorCode::cancelled) return loaded;
    REACHED("controller.snapshot_corrupt");
    TRACE(env_.trace, warning, "metadata.snapshot_corrupt", {"name", name},
          {"why", loaded.error().to_string()});
    metadata.reset();
  }
  return {};
}

Result<void> MetadataLog::load_snapshot(env::Task& task, const std::string& name,
                                        Metadata& metadata) {
  REACHED("controller.snapshot_loaded");
  constexpr std::size_t kSnapshotSizeMax = 1u << 30;
  const std::string path = fmt::format("{}/{}", directory(), name);
  const Bytes bytes = TRY(env::read_file(task, env_.disk, path, kSnapshotSizeMax));
  TRY(check_snapshot(bytes));
  return fold(task, bytes, metadata);
}

Result<void> MetadataLog::fold(env::Task& task, ByteView batches, Metadata& metadata) {
  Bytes storage;
  while (!batches.empty()) {
    const record::BatchView batch = TRY(record::BatchView::take(batches));
    if (batch.control()) continue;
    record::RecordReader reader(TRY(record::records_of(batch, storage, kMetadataBatchSizeMax)),
                                batch.record_count());
    while (!reader.done()) {
      const record::Record record = TRY(reader.next());
      if (!record.value) return fail(ErrorCode::corrupt, "a metadata record without a value");
      const Record decoded = TRY(codec_.decode(*record.value));
      TRY(metadata.apply(decoded));
      env_.scheduler.charge(kRecordCost * 2);
      env::yield_if_due(task);
    }
  }
  return {};
}

Result<void> MetadataLog::lead(env::Task& task) {
  ++epoch_;
  const Bytes value = TRY(codec_.leader_change(config_.node, config_.directory));
  Bytes batch = TRY(control_batch(kLeaderChange, value, now_ms(), log_->end_offset(), epoch_));
  const Offset end = TRY(append_batch(task, std::move(batch)));
  return log_->sync(task, end);
}

Result<Offset> MetadataLog::append(env::Task& task, std::span<const Record> records) {
  CHECK(!records.empty());
  record::BatchBuilder builder({.leader_epoch = epoch_});
  const record::Timestamp now(now_ms());
  for (const Record& record : records) {
    const Bytes value = TRY(codec_.encode(record));
    builder.add(now, std::nullopt, ByteView(value));
    env_.scheduler.charge(kRecordCost);
    env::yield_if_due(task);
  }
  if (builder.plain_size() > kMetadataBatchSizeMax) {
    return fail(ErrorCode::too_large, "a metadata change of more than 8 MiB");
  }
  return append_batch(task, TRY(builder.build()));
}

Result<Offset> MetadataLog::append_batch(env::Task& task, Bytes batch) {
  const log::Appended appended = TRY(log_->append(task, batch, {.epoch = epoch_}));
  return appended.end;
}

Result<Bytes> MetadataLog::snapshot_bytes(env::Task& task, const Image& image) {
  constexpr std::int32_t kRecordsPerBatch = 256;
  const std::int64_t now = now_ms();
  const Bytes header = TRY(codec_.snapshot_header(now));
  Bytes out = TRY(control_batch(kSnapshotHeader, header, now, Offset(0), epoch_));
  Offset at(1);
  record::BatchBuilder builder;
  const auto finish_batch = [&]() -> Result<void> {
    const std::int32_t count = builder.count();
    if (count == 0) return {};
    Bytes batch = TRY(builder.build());
    record::set_base_offset(batch, at);
    record::set_leader_epoch(batch, epoch_);
    flux::append(out, batch);
    at += count;
    return {};
  };
  TRY(image.see_records([&](const Record& record) -> Result<void> {
    const Bytes value = TRY(codec_.encode(record));
    builder.add(record::Timestamp(now), std::nullopt, ByteView(value));
    if (builder.count() == kRecordsPerBatch) TRY(finish_batch());
    env_.scheduler.charge(kRecordCost);
    env::yield_if_due(task);
    return {};
  }));
  TRY(finish_batch());
  const Bytes footer = TRY(codec_.snapshot_footer());
  flux::append(out, TRY(control_batch(kSnapshotFooter, footer, now, at, epoch_)));
  return out;
}

Result<void> MetadataLog::write_snapshot(env::Task& task, const Image& image) {
  CHECK_LE(image.end, log_->synced_end());
  REACHED("controller.snapshot");
  const std::string name = snapshot_name(image.end, epoch_);
  const Offset end = image.end;
  const Bytes bytes = TRY(snapshot_bytes(task, image));
  TRY(env::replace_file(task, env_.disk, fmt::format("{}/{}", directory(), name), bytes));
  snapshot_end_ = std::max(snapshot_end_, end);
  TRACE(env_.trace, info, "metadata.snapshot", {"end", end}, {"bytes", bytes.size()});
  return remove_old_snapshots(task);
}

Result<void> MetadataLog::remove_old_snapshots(env::Task& task) {
  std::vector<std::pair<SnapshotId, std::string>> found;
  for (const env::DirectoryEntry& entry : TRY(env_.disk.list(task, directory()))) {
    if (auto id = parse_snapshot_name(entry.name)) found.emplace_back(*id, entry.name);
  }
  std::ranges::sort(found, std::greater<>());
  for (std::size_t i = config_.snapshots_kept; i < found.size(); ++i) {
    TRY(env_.disk.remove(task, fmt::format("{}/{}", directory(), found[i].second)));
  }
  return {};
}

}  // namespace flux::controller
