// What tests/golden shares: a node over a real directory, and a listing of all that it holds.
#pragma once

#include <functional>
#include <string>

#include <fmt/format.h>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/record/record.h"
#include "net/node/node.h"
#include "real/os/real_env.h"

namespace flux::golden {

inline constexpr std::string_view kData = "data";            // below the folder of a release
inline constexpr std::string_view kListing = "records.txt";  // beside it

// Runs a node on `folder`/data for as long as `body` takes, and stops it in order.
inline Result<void> with_node(const std::string& folder,
                              const std::function<Result<void>(env::Task&, node::Node&)>& body) {
  os::RealEnvConfig where;
  where.data_root = folder;
  where.trace.severity_min = env::Severity::error;
  const std::unique_ptr<os::RealEnv> env = TRY(os::RealEnv::create(where));
  Result<void> out;
  env->run([&](env::Task& task) {
    node::Config config = *node::Config::parse(
        "listeners=PLAINTEXT://127.0.0.1:0\n"
        "flux.metadata.snapshot.records=10\n");
    config.data_directory = kData;
    node::Node node(env->env(), std::move(config));
    out = node.start(task);
    if (!out) return 1;
    out = body(task, node);
    Result<void> stopped = node.stop(task);
    if (out) out = std::move(stopped);
    return out ? 0 : 1;
  });
  return out;
}

inline std::uint64_t digest_of(const record::BatchView& batch, const record::Record& record,
                               std::uint64_t digest) {
  digest = combine64(digest, static_cast<std::uint64_t>(record.offset(batch).value()));
  digest = combine64(digest, static_cast<std::uint64_t>(record.timestamp(batch).value()));
  for (const auto& part : {record.key, record.value, std::optional(record.header_bytes)}) {
    digest = part ? hash_bytes(*part, digest) : combine64(digest, 1);
  }
  return digest;
}

// Calls `see` with each batch of a log.
inline Result<void> for_batches(env::Task& task, log::Log& log,
                                const std::function<Result<void>(const record::BatchView&)>& see) {
  for (Offset at = log.start_offset(); at < log.end_offset();) {
    const log::Slice slice = TRY(log.read(task, at));
    const Bytes bytes = TRY(log.bytes_of(task, slice));
    for (ByteView rest = bytes; !rest.empty();) TRY(see(TRY(record::BatchView::take(rest))));
    at = slice.next;
  }
  return {};
}

using SeePartition = std::function<Result<void>(const log::LogIdentity&, log::Log&)>;

// Opens every partition.
inline Result<void> for_partitions(env::Task& task, broker::Broker& broker,
                                   const SeePartition& see) {
  const auto image = broker.image();
  for (const auto& [name, topic] : image->topics) {
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      const auto partition = broker.partition(*topic, PartitionIndex(static_cast<int>(i)));
      if (!partition) return fail(ErrorCode::not_found, partition.error().detail);
      const auto log = (*partition)->open(task);
      if (!log) return fail(ErrorCode::io_error, name + ": " + log.error().detail);
      TRY(see((*partition)->identity(), **log));
    }
  }
  return {};
}

// A line for each partition: where it starts and ends, and a digest over all of its records.
inline Result<std::string> listing_of(env::Task& task, broker::Broker& broker) {
  std::string out;
  TRY(for_partitions(
      task, broker, [&](const log::LogIdentity& identity, log::Log& log) -> Result<void> {
        std::uint64_t digest = 0;
        std::int64_t count = 0;
        const auto see = [&](const record::BatchView& batch) -> Result<void> {
          if (!batch.crc_fits()) return fail(ErrorCode::corrupt, identity.name());
          Bytes storage;
          const ByteView records = TRY(record::records_of(batch, storage, 1U << 24));
          record::RecordReader reader(records, batch.record_count());
          while (!reader.done()) {
            const record::Record record = TRY(reader.next());
            if (record.offset(batch) < log.start_offset()) continue;
            digest = digest_of(batch, record, digest);
            ++count;
          }
          return {};
        };
        TRY(for_batches(task, log, see));
        out += fmt::format("{} start={} end={} records={} digest={:016x}\n", identity.name(),
                           log.start_offset().value(), log.end_offset().value(), count, digest);
        return {};
      }));
  return out;
}

}  // namespace flux::golden
