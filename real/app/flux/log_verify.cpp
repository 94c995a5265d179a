// flux log verify: opens partitions over a disk whose changes stay in memory, so that what is found
// is what a broker would find, and then reads everything that they hold.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/log/log.h"
#include "real/app/flux/commands.h"
#include "real/app/flux/log_files.h"
#include "real/app/flux/output.h"
#include "real/app/flux/scratch_disk.h"
#include "real/app/flux/session.h"

namespace flux::app {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

// What recovery tells is printed by this command, in its own words.
class Silence final : public env::Trace {
 public:
  bool wants(env::Severity) const override { return false; }
  void emit(env::Severity, std::string_view, std::initializer_list<env::Field>) override {}
};

// Offsets [from, to) that cannot be read.
struct Loss {
  Offset from;
  Offset to;
  std::string why;
};

struct Findings {
  std::optional<Error> not_opened;
  log::RecoveryReport recovery;
  Offset start;
  Offset end;
  std::size_t segments = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::vector<Loss> losses;
  std::vector<DiskChange> changes;

  bool damaged() const { return not_opened || !losses.empty() || recovery.rotten_ranges > 0; }
};

// A sector that cannot be read is asked for as often as the log asks; anything else is final.
void lose(Findings& out, Offset at, const Error& why) {
  if (!out.losses.empty() && out.losses.back().to == at) {
    out.losses.back().to = at + 1;
  } else {
    out.losses.push_back({at, at + 1, std::string(name_of(why.code()))});
  }
}

Result<void> count(const log::Slice& slice, ByteView bytes, Offset from, Findings& out) {
  Offset next = slice.first;
  for (ByteView rest = bytes; !rest.empty();) {
    const record::BatchView batch = TRY(record::BatchView::take(rest));
    if (!batch.crc_fits() || batch.base_offset() < next) lose(out, from, Error(ErrorCode::corrupt));
    next = batch.next_offset();
    ++out.batches;
    out.records += static_cast<std::uint64_t>(batch.record_count());
    out.bytes += batch.size();
  }
  return {};
}

Result<void> read_all(env::Task& task, log::Log& log, Findings& out) {
  Offset at = log.start_offset();
  while (at < log.end_offset()) {
    env::yield_if_due(task);
    const auto slice = log.read(task, at, {.bytes_max = kReadBytes});
    if (!slice) {
      lose(out, at, slice.error());
      ++at;
      continue;
    }
    if (slice->empty()) return fail(ErrorCode::corrupt, "the log ends before its end");
    const Bytes bytes = TRY(log.bytes_of(task, *slice));
    TRY(count(*slice, bytes, at, out));
    at = slice->next;
  }
  return {};
}

Result<void> examine(env::Task& task, env::Env& env, const PartitionDirectory& partition,
                     Findings& out) {
  if (partition.trouble) return std::unexpected(*partition.trouble);
  ScratchDisk disk(env.disk);
  Silence silence;
  env::Env scratch{.clock = env.clock,
                   .scheduler = env.scheduler,
                   .network = env.network,
                   .disk = disk,
                   .random = env.random,
                   .trace = silence};
  const log::LogConfig config{.read_verify = log::ReadVerify::always};
  const auto log = TRY(log::Log::open(task, scratch, partition.path, partition.identity, config));
  out.recovery = log->recovery();
  out.start = log->start_offset();
  out.end = log->end_offset();
  out.segments = log->segment_count();
  out.changes = TRY(disk.changes(task));
  return read_all(task, *log, out);
}

std::string words_for(const DiskChange& change) {
  switch (change.kind) {
    case DiskChange::Kind::made:
      return fmt::format("make {}", change.path);
    case DiskChange::Kind::rewritten:
      return fmt::format("write {} anew", change.path);
    case DiskChange::Kind::cut:
      return fmt::format("cut {} bytes off {}", change.bytes, change.path);
    case DiskChange::Kind::removed:
      return fmt::format("remove {}", change.path);
  }
  UNREACHABLE("a change outside of the list");
}

void print_text(const PartitionDirectory& partition, const Findings& found) {
  if (found.not_opened) {
    print_line(fmt::format("{}: DAMAGED: cannot be opened: {}", partition.path,
                           words_of(*found.not_opened)));
    return;
  }
  print_line(
      fmt::format("{}: {}: offsets {} to {}, {} records in {} batches, {} bytes in {} "
                  "segments",
                  partition.path, found.damaged() ? "DAMAGED" : "clean", found.start.value(),
                  found.end.value(), found.records, found.batches, found.bytes, found.segments));
  for (const Loss& loss : found.losses) {
    print_line(fmt::format("  lost: offsets {} to {} ({})", loss.from.value(), loss.to.value() - 1,
                           loss.why));
  }
  if (found.recovery.torn_bytes_cut > 0) {
    print_line(
        fmt::format("  torn tail: {} bytes of an unfinished write", found.recovery.torn_bytes_cut));
  }
  for (const DiskChange& change : found.changes) {
    print_line("  a broker would " + words_for(change));
  }
}

Json json_of(const PartitionDirectory& partition, const Findings& found) {
  Json out;
  out["directory"] = partition.path;
  out["topic"] = partition.identity.topic;
  out["partition"] = partition.identity.partition.value();
  out["topic_id"] = partition.identity.topic_id.to_string();
  out["damaged"] = found.damaged();
  if (found.not_opened) {
    out["error"] = found.not_opened->to_string();
    return out;
  }
  out["start_offset"] = found.start.value();
  out["end_offset"] = found.end.value();
  out["records"] = found.records;
  out["batches"] = found.batches;
  out["bytes"] = found.bytes;
  out["segments"] = found.segments;
  out["lost"] = Json::array();
  for (const Loss& loss : found.losses) {
    out["lost"].push_back(
        {{"first", loss.from.value()}, {"last", loss.to.value() - 1}, {"why", loss.why}});
  }
  out["rotten_ranges"] = found.recovery.rotten_ranges;
  out["torn_bytes"] = found.recovery.torn_bytes_cut;
  out["indexes_rebuilt"] = found.recovery.indexes_rebuilt;
  out["changes"] = Json::array();
  for (const DiskChange& change : found.changes) out["changes"].push_back(words_for(change));
  return out;
}

int verify(env::Task& task, env::Env& env, const GlobalOptions& global, const LogOptions& options) {
  const auto chosen = choose(task, env.disk, options.path);
  if (!chosen) {
    complain(chosen.error());
    return kFailed;
  }
  std::size_t damaged = 0;
  for (const PartitionDirectory& partition : chosen->partitions) {
    Findings found;
    if (auto done = examine(task, env, partition, found); !done) found.not_opened = done.error();
    damaged += found.damaged() ? 1U : 0U;
    if (global.json) {
      print_json(json_of(partition, found));
    } else {
      print_text(partition, found);
    }
  }
  if (!global.json && chosen->partitions.size() != 1) {
    print_line(fmt::format("{} partitions, {} damaged", chosen->partitions.size(), damaged));
  }
  if (!flush_output()) return kFailed;
  return damaged == 0 ? kDone : kFailed;
}

}  // namespace

int verify_log(const GlobalOptions& global, const LogOptions& options) {
  return with_machine(
      [&](env::Task& task, env::Env& env) { return verify(task, env, global, options); });
}

}  // namespace flux::app
