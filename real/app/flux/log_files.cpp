#include "real/app/flux/log_files.h"

#include <charconv>

#include "core/log/log.h"

namespace flux::app {

namespace {

constexpr std::string_view kLockFile = ".lock";
constexpr std::string_view kNodeFile = "meta.properties";

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string last_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// "orders-3", and what a broker makes of such a name when it puts it aside: "orders-3.<id>-stray".
std::optional<TopicPartition> partition_of(std::string_view name) {
  for (const std::string_view suffix : {"-stray", "-delete"}) {
    if (!name.ends_with(suffix)) continue;
    name.remove_suffix(suffix.size());
    name = name.substr(0, name.rfind('.'));
  }
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return std::nullopt;
  const std::string_view digits = name.substr(dash + 1);
  std::int32_t index = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (error != std::errc() || end != digits.data() + digits.size() || index < 0) return {};
  return TopicPartition{std::string(name.substr(0, dash)), PartitionIndex(index)};
}

Result<std::unique_ptr<env::File>> take_lock(env::Task& task, env::Disk& disk,
                                             const std::string& data_directory) {
  auto file = disk.open(task, data_directory + "/" + std::string(kLockFile), env::Open::read);
  if (!file && file.error() == ErrorCode::not_found) return std::unique_ptr<env::File>();
  if (!file) return file;
  const auto locked = (*file)->lock(task);
  if (!locked && locked.error() == ErrorCode::locked) {
    return fail(ErrorCode::locked, data_directory +
                                       ": a broker runs on this directory and writes to it; stop "
                                       "it, or look at a copy");
  }
  if (!locked) return std::unexpected(locked.error());
  return file;
}

Result<PartitionDirectory> read_partition(env::Task& task, env::Disk& disk,
                                          const std::string& path) {
  const auto named = partition_of(last_of(path));
  if (!named) {
    return fail(ErrorCode::invalid, path + ": not named as a partition's directory is (orders-3)");
  }
  PartitionDirectory out{.path = path, .identity = {named->topic, named->partition, Uuid{}}};
  const auto id = log::read_topic_id(task, disk, path);
  if (id) out.identity.topic_id = *id;
  if (!id && id.error() != ErrorCode::not_found) out.trouble = id.error();
  return out;
}

bool has(const std::vector<env::DirectoryEntry>& entries, std::string_view name) {
  for (const env::DirectoryEntry& entry : entries) {
    if (entry.name == name) return true;
  }
  return false;
}

}  // namespace

Result<Chosen> choose(env::Task& task, env::Disk& disk, const std::string& path_as_given) {
  std::string path = path_as_given;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  Chosen out;
  const auto entries = disk.list(task, path);
  if (!entries) {
    if (auto file = disk.open(task, path, env::Open::read); !file) {
      return std::unexpected(file.error());
    }
    out.file = last_of(path);
    path = parent_of(path);
  } else if (has(*entries, kNodeFile)) {
    out.lock = TRY(take_lock(task, disk, path));
    for (const env::DirectoryEntry& entry : *entries) {
      if (!entry.is_directory || !partition_of(entry.name)) continue;
      out.partitions.push_back(TRY(read_partition(task, disk, path + "/" + entry.name)));
    }
    return out;
  }
  out.lock = TRY(take_lock(task, disk, parent_of(path)));
  out.partitions.push_back(TRY(read_partition(task, disk, path)));
  return out;
}

}  // namespace flux::app
