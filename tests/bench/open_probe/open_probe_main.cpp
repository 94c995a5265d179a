// open_probe: how long a log takes to open that was closed in order, and one that was not.
//
//   open_probe DIRECTORY --mib 1024
//
// Before each opening the files leave the page cache, as after a restart of the machine; the
// second row of each kind finds them there, as after a restart of the process. The last column is
// the most memory that the process ever had.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include "core/log/log.h"
#include "core/log/names.h"
#include "core/record/batch_builder.h"
#include "real/os/real_env.h"

namespace flux {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string directory;
  std::uint64_t mib = 1024;
  std::uint64_t segment_mib = 256;
  int record_bytes = 1000;
  int records = 16;  // of a batch
  std::uint32_t block_bytes = 64U << 10;
};

log::LogIdentity identity() { return {"opened", PartitionIndex(0), Uuid{1, 2}}; }

Bytes batch_of(const Options& options) {
  record::BatchBuilder builder;
  const std::string value(static_cast<std::size_t>(options.record_bytes), 'v');
  for (int i = 0; i < options.records; ++i) {
    builder.add(record::Timestamp(1'700'000'000'000), std::nullopt, record::text(value));
  }
  return *builder.build();
}

Result<std::shared_ptr<log::Log>> open(env::Task& task, env::Env& env, const Options& options) {
  log::LogConfig config;
  config.segment_bytes = static_cast<std::uint32_t>(options.segment_mib << 20);
  config.block_bytes = options.block_bytes;
  return log::Log::open(task, env, "opened-0", identity(), config);
}

Result<void> fill(env::Task& task, env::Env& env, const Options& options) {
  const auto log = TRY(open(task, env, options));
  const Bytes batch = batch_of(options);
  while (log->size_bytes() < options.mib << 20) {
    Bytes copy = batch;
    TRY(log->append(task, copy, {}));
  }
  return log->close(task);
}

void drop_from_cache(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    ::fsync(file);
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
  }
}

// Opens it, reads one batch in its middle, and closes it.
Result<void> measure(env::Task& task, env::Env& env, const Options& options, const char* cache) {
  using Clock = std::chrono::steady_clock;
  const auto began = Clock::now();
  const auto log = TRY(open(task, env, options));
  const auto opened = Clock::now();
  static_cast<void>(TRY(log->read(task, Offset(log->end_offset().value() / 2), {.bytes_max = 1})));
  const auto read = Clock::now();
  const auto us = [](auto time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  };
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  fmt::print("| {} | {} | {} | {} | {} | {} |\n", log->size_bytes() >> 20,
             log->recovery().clean ? "in order" : "not in order", cache, us(opened - began),
             us(read - opened), used.ru_maxrss >> 10);
  std::fflush(stdout);
  return log->close(task);
}

Result<void> run(env::Task& task, env::Env& env, const Options& options) {
  const fs::path folder = options.directory;
  TRY(fill(task, env, options));
  fmt::print(
      "| MiB | stopped | page cache | opened in us | first read in us | memory in MiB |\n"
      "|---|---|---|---|---|---|\n");
  for (const bool clean : {true, false}) {
    for (const bool cold : {true, false}) {
      if (!clean) fs::remove(folder / "opened-0" / log::kCleanFile);
      if (cold) drop_from_cache(folder);
      TRY(measure(task, env, options, cold ? "cold" : "warm"));
    }
  }
  return {};
}

}  // namespace
}  // namespace flux

int main(int argc, char** argv) {
  CLI::App app("how long a log takes to open, closed in order and not");
  flux::Options options;
  app.add_option("DIRECTORY", options.directory, "made, filled, and removed")->required();
  app.add_option("--mib", options.mib, "of the log");
  app.add_option("--segment-mib", options.segment_mib, "of each segment");
  app.add_option("--record-bytes", options.record_bytes, "of each record's value");
  app.add_option("--records", options.records, "of each batch");
  app.add_option("--block-bytes", options.block_bytes,
                 "of each block; fewer than a batch has: as though each had been synced alone");
  CLI11_PARSE(app, argc, argv);
  if (std::filesystem::exists(options.directory)) {
    fmt::print(stderr, "{} exists; a folder that can be removed is needed\n", options.directory);
    return 2;
  }
  std::filesystem::create_directories(options.directory);
  flux::os::RealEnvConfig where;
  where.data_root = options.directory;
  where.trace.severity_min = flux::env::Severity::error;
  auto env = flux::os::RealEnv::create(where);
  int status = 1;
  if (env) {
    status = (*env)->run([&](flux::env::Task& task) {
      const auto ran = flux::run(task, (*env)->env(), options);
      if (!ran) fmt::print(stderr, "{}\n", ran.error().to_string());
      return ran ? 0 : 1;
    });
  }
  std::filesystem::remove_all(options.directory);
  return status;
}
