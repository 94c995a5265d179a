// flux log dump: what stands in the files of a partition, one line each, judged by nothing but the
// file itself.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/log/epochs.h"
#include "core/log/index.h"
#include "core/log/integrity.h"
#include "core/log/log.h"
#include "core/log/names.h"
#include "core/log/start_file.h"
#include "core/record/compression.h"
#include "core/record/record.h"
#include "real/app/flux/commands.h"
#include "real/app/flux/log_files.h"
#include "real/app/flux/output.h"
#include "real/app/flux/session.h"

namespace flux::app {

namespace {

using Json = nlohmann::ordered_json;

// Indexes, integrity files and the like are read whole; Kafka's positions are 31 bits.
constexpr std::uint64_t kFileMax = std::uint64_t{2} << 30;
constexpr std::size_t kUnpackedMax = std::size_t{256} << 20;

class Dump {
 public:
  Dump(env::Env& env, const GlobalOptions& global, const LogOptions& options)
      : env_(env), global_(global), options_(options) {}

  // False when something could not be read or made no sense.
  bool good() const { return good_; }

  void partition(env::Task& task, const PartitionDirectory& directory,
                 const std::optional<std::string>& only) {
    if (only) return file(task, directory, *only);
    const auto entries = env_.disk.list(task, directory.path);
    if (!entries) return trouble(directory.path, entries.error());
    for (const env::DirectoryEntry& entry : *entries) {
      if (!entry.is_directory) file(task, directory, entry.name);
    }
  }

 private:
  void file(env::Task& task, const PartitionDirectory& directory, const std::string& name) {
    const std::string path = directory.path + "/" + name;
    Result<void> done;
    if (name.ends_with(log::kLogSuffix) || name.ends_with(".checkpoint")) {
      done = batches(task, path);
    } else if (name.ends_with(log::kIndexSuffix)) {
      done = index(task, path);
    } else if (name.ends_with(log::kTimeIndexSuffix)) {
      done = time_index(task, path);
    } else if (const auto base = log::base_of_file(name, log::kIntegritySuffix)) {
      done = integrity(task, path, log::IntegrityCodec(directory.identity, *base));
    } else if (name == log::kEpochFile) {
      done = epochs(task, path);
    } else if (name == log::kMetadataFile) {
      done = topic_id(task, directory.path, path);
    } else if (name == log::kStartFile) {
      done = start(task, directory.identity, path);
    } else {
      print(path, "file", "not known to this command", Json::object());
    }
    if (!done) trouble(path, done.error());
  }

  void print(const std::string& path, std::string_view kind, std::string_view words,
             const Json& members) {
    if (path != printed_) {
      printed_ = path;
      if (!global_.json) print_line(path);
    }
    if (!global_.json) {
      print_line(fmt::format("  {}", words));
      return;
    }
    Json out{{"file", path}, {"kind", kind}};
    out.update(members);
    print_json(out);
  }

  void trouble(const std::string& path, const Error& why) {
    good_ = false;
    print(path, "error", "! " + why.to_string(), {{"error", why.to_string()}});
  }

  Result<void> batches(env::Task& task, const std::string& path) {
    const auto file = TRY(env_.disk.open(task, path, env::Open::read));
    const std::uint64_t size = TRY(file->size(task));
    std::uint64_t at = 0;
    Bytes bytes;
    while (at < size) {
      const auto piece = [&](std::uint64_t length) -> Result<void> {
        bytes.resize(static_cast<std::size_t>(std::min(length, size - at)));
        std::size_t done = 0;
        while (done < bytes.size()) {
          const std::size_t got =
              TRY(file->read_at(task, at + done, MutBytes(bytes).subspan(done)));
          if (got == 0) return fail(ErrorCode::corrupt, "the file became shorter");
          done += got;
        }
        return {};
      };
      TRY(piece(record::kBatchPrefixBytes));
      const auto length = record::batch_size_at(bytes);
      if (!length) return std::unexpected(length.error().in(fmt::format("position {}", at)));
      TRY(piece(*length));
      const auto batch = record::BatchView::first_of(bytes);
      if (!batch) return std::unexpected(batch.error().in(fmt::format("position {}", at)));
      show(path, at, *batch);
      if (options_.records) TRY(records(path, *batch));
      at += batch->size();
      env::yield_if_due(task);
    }
    return {};
  }

  void show(const std::string& path, std::uint64_t at, const record::BatchView& batch) {
    const bool crc = batch.crc_fits();
    good_ = good_ && crc;
    const std::string_view codec = record::name_of(batch.codec());
    std::string marks;
    if (batch.transactional()) marks += " transactional";
    if (batch.control()) marks += " control";
    if (batch.log_append_time()) marks += " log-append-time";
    if (!crc) marks += " CRC-DOES-NOT-FIT";
    if (batch.producer_id() != kNoProducerId) {
      marks += fmt::format(" producer={}/{} sequence={}", batch.producer_id().value(),
                           batch.producer_epoch().value(), batch.base_sequence().value());
    }
    print(path, "batch",
          fmt::format("position={} bytes={} offsets={}..{} records={} epoch={} codec={} time={}{}",
                      at, batch.size(), batch.base_offset().value(), batch.last_offset().value(),
                      batch.record_count(), batch.leader_epoch().value(), codec,
                      batch.max_timestamp().value(), marks),
          {{"position", at},
           {"bytes", batch.size()},
           {"base_offset", batch.base_offset().value()},
           {"last_offset", batch.last_offset().value()},
           {"records", batch.record_count()},
           {"leader_epoch", batch.leader_epoch().value()},
           {"codec", codec},
           {"base_timestamp", batch.base_timestamp().value()},
           {"max_timestamp", batch.max_timestamp().value()},
           {"log_append_time", batch.log_append_time()},
           {"transactional", batch.transactional()},
           {"control", batch.control()},
           {"producer_id", batch.producer_id().value()},
           {"producer_epoch", batch.producer_epoch().value()},
           {"base_sequence", batch.base_sequence().value()},
           {"crc_fits", crc}});
  }

  Result<void> records(const std::string& path, const record::BatchView& batch) {
    Bytes storage;
    const ByteView bytes = TRY(record::records_of(batch, storage, kUnpackedMax));
    record::RecordReader reader(bytes, batch.record_count());
    while (!reader.done()) {
      const record::Record record = TRY(reader.next());
      Json members{{"offset", record.offset(batch).value()},
                   {"timestamp", record.timestamp(batch).value()}};
      const auto put = [&members](const char* name, const std::optional<ByteView>& value) {
        set_bytes(members, name, value ? std::optional(to_bytes(*value)) : std::nullopt);
      };
      put("key", record.key);
      put("value", record.value);
      members["headers"] = record.header_count;
      print(path, "record", "  " + members.dump(), members);
    }
    return {};
  }

  Result<void> index(env::Task& task, const std::string& path) {
    const Bytes bytes = TRY(env::read_file(task, env_.disk, path, kFileMax));
    const auto found = TRY(log::OffsetIndex::decode(bytes, kFileMax));
    for (const auto& entry : found.entries()) {
      print(path, "index", fmt::format("offset=+{} position={}", entry.offset, entry.position),
            {{"relative_offset", entry.offset}, {"position", entry.position}});
    }
    return {};
  }

  Result<void> time_index(env::Task& task, const std::string& path) {
    const Bytes bytes = TRY(env::read_file(task, env_.disk, path, kFileMax));
    const auto found = TRY(log::TimeIndex::decode(bytes));
    for (const auto& entry : found.entries()) {
      print(path, "timeindex",
            fmt::format("time={} offset=+{}", entry.timestamp.value(), entry.offset),
            {{"timestamp", entry.timestamp.value()}, {"relative_offset", entry.offset}});
    }
    return {};
  }

  Result<void> integrity(env::Task& task, const std::string& path,
                         const log::IntegrityCodec& codec) {
    const Bytes bytes = TRY(env::read_file(task, env_.disk, path, kFileMax));
    if (auto header = codec.check_header(bytes); !header) trouble(path, header.error());
    std::uint32_t number = 0;
    for (std::size_t at = log::kIntegrityHeaderBytes; at < bytes.size(); ++number) {
      const ByteView rest = ByteView(bytes).subspan(at);
      at += log::kIntegrityEntryBytes;
      const auto entry = codec.entry(rest, number);
      if (!entry) {
        good_ = false;
        print(path, "entry", fmt::format("{} does not check", number),
              {{"number", number}, {"checks", false}});
        continue;
      }
      const std::string_view kind = entry->kind == log::IntegrityKind::block ? "block" : "mark";
      print(path, "entry",
            fmt::format("{} {} position={} bytes={} offsets={}..{} synced={}@{} boot={:016x} "
                        "digest={:016x}",
                        number, kind, entry->position, entry->length, entry->base.value(),
                        entry->end.value() - 1, entry->synced_offset.value(),
                        entry->synced_position, entry->boot_id, entry->digest),
            {{"number", number},
             {"checks", true},
             {"entry", kind},
             {"position", entry->position},
             {"bytes", entry->length},
             {"base_offset", entry->base.value()},
             {"end_offset", entry->end.value()},
             {"synced_position", entry->synced_position},
             {"synced_offset", entry->synced_offset.value()},
             {"boot_id", fmt::format("{:016x}", entry->boot_id)},
             {"digest", fmt::format("{:016x}", entry->digest)}});
    }
    return {};
  }

  Result<void> epochs(env::Task& task, const std::string& path) {
    const Bytes bytes = TRY(env::read_file(task, env_.disk, path, kFileMax));
    const auto found = TRY(log::Epochs::parse(as_text(bytes)));
    for (const log::EpochStart& entry : found.entries()) {
      print(path, "epoch",
            fmt::format("epoch={} from={}", entry.epoch.value(), entry.start.value()),
            {{"leader_epoch", entry.epoch.value()}, {"start_offset", entry.start.value()}});
    }
    return {};
  }

  Result<void> topic_id(env::Task& task, const std::string& directory, const std::string& path) {
    const Uuid id = TRY(log::read_topic_id(task, env_.disk, directory));
    print(path, "topic_id", "topic_id=" + id.to_string(), {{"topic_id", id.to_string()}});
    return {};
  }

  Result<void> start(env::Task& task, const log::LogIdentity& identity, const std::string& path) {
    const Bytes bytes = TRY(env::read_file(task, env_.disk, path, kFileMax));
    const log::FoundStart found = TRY(log::decode_start(identity, bytes));
    good_ = good_ && !found.damaged;
    print(path, "start",
          fmt::format("start={} segment={}{}", found.at.start.value(), found.at.segment.value(),
                      found.damaged ? " ONE-COPY-DAMAGED" : ""),
          {{"start_offset", found.at.start.value()},
           {"segment", found.at.segment.value()},
           {"damaged", found.damaged}});
    return {};
  }

  env::Env& env_;
  const GlobalOptions& global_;
  const LogOptions& options_;
  std::string printed_;
  bool good_ = true;
};

int dump(env::Task& task, env::Env& env, const GlobalOptions& global, const LogOptions& options) {
  const auto chosen = choose(task, env.disk, options.path);
  if (!chosen) {
    complain(chosen.error());
    return kFailed;
  }
  Dump out(env, global, options);
  for (const PartitionDirectory& partition : chosen->partitions) {
    out.partition(task, partition, chosen->file);
  }
  if (!flush_output()) return kFailed;
  return out.good() ? kDone : kFailed;
}

}  // namespace

int dump_log(const GlobalOptions& global, const LogOptions& options) {
  return with_machine(
      [&](env::Task& task, env::Env& env) { return dump(task, env, global, options); });
}

}  // namespace flux::app
