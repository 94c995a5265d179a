#include "core/controller/data_directory.h"

#include <charconv>
#include <map>

#include <fmt/format.h>

#include "core/base/mark.h"

namespace flux::controller {

namespace {

constexpr std::string_view kFileName = "meta.properties";
constexpr std::size_t kFileSizeMax = 64 * 1024;
constexpr std::string_view kVersion = "1";

std::map<std::string, std::string, std::less<>> parse_lines(std::string_view text) {
  std::map<std::string, std::string, std::less<>> out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos) continue;
    out[std::string(line.substr(0, equals))] = std::string(line.substr(equals + 1));
  }
  return out;
}

std::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorCode::invalid, fmt::format("{}: {}", kFileName, what));
}

}  // namespace

std::string MetaProperties::to_text() const {
  return fmt::format("#\nversion={}\ncluster.id={}\nnode.id={}\ndirectory.id={}\n", kVersion,
                     cluster_id, node.value(), directory.to_string());
}

Result<MetaProperties> MetaProperties::parse(std::string_view text) {
  const auto lines = parse_lines(text);
  const auto value = [&](std::string_view key) -> Result<std::string> {
    const auto found = lines.find(key);
    if (found == lines.end() || found->second.empty()) {
      return damaged(fmt::format("{} is missing", key));
    }
    return found->second;
  };
  const std::string version = TRY(value("version"));
  if (version != kVersion) {
    return fail(ErrorCode::unsupported, fmt::format("{}: version {}; this release knows version {}",
                                                    kFileName, version, kVersion));
  }
  MetaProperties out;
  out.cluster_id = TRY(value("cluster.id"));
  const std::string node = TRY(value("node.id"));
  std::int32_t number = -1;
  const auto [at, error] = std::from_chars(node.data(), node.data() + node.size(), number);
  if (error != std::errc() || at != node.data() + node.size() || number < 0) {
    return damaged(fmt::format("node.id={} is no node id", node));
  }
  out.node = NodeId(number);
  auto directory = Uuid::parse(TRY(value("directory.id")));
  if (!directory || directory->is_zero()) return damaged("directory.id is no id");
  out.directory = *directory;
  return out;
}

Uuid draw_uuid(env::Random& random, Key key) {
  // Bits of a random UUID: version 4, variant 1. The top bits are cleared so that the text form
  // begins with a letter or a digit.
  const std::uint64_t high = random.draw_u64(key.with("high"));
  const std::uint64_t low = random.draw_u64(key.with("low"));
  return Uuid{(high & 0x7FFF'FFFF'FFFF'0FFFULL) | 0x4000ULL,
              (low & 0x3FFF'FFFF'FFFF'FFFFULL) | 0x8000'0000'0000'0000ULL};
}

Result<void> DataDirectory::lock(env::Task& task, env::Disk& disk) {
  lock_ = TRY(disk.open(task, path_ + "/.lock", env::Open::create));
  auto locked = lock_->lock(task);
  if (!locked && locked.error() == ErrorCode::locked) {
    REACHED("controller.directory_locked");
    return fail(ErrorCode::locked, fmt::format("{}: another process uses this directory", path_));
  }
  return locked;
}

Result<void> DataDirectory::check_empty(env::Task& task, env::Disk& disk) {
  for (const env::DirectoryEntry& entry : TRY(disk.list(task, path_))) {
    if (!entry.is_directory) continue;
    const std::size_t dash = entry.name.rfind('-');
    if (dash == std::string::npos || dash + 1 == entry.name.size()) continue;
    REACHED("controller.directory_damaged");
    return fail(ErrorCode::invalid,
                fmt::format("{}: holds {} but no {}: the directory is damaged, or not of a node",
                            path_, entry.name, kFileName));
  }
  return {};
}

Result<void> DataDirectory::format(env::Task& task, env::Env& env, NodeId node,
                                   std::string cluster_id) {
  TRY(check_empty(task, env.disk));
  properties_ = {.cluster_id = std::move(cluster_id),
                 .node = node,
                 .directory = draw_uuid(env.random, key("directory.id"))};
  if (properties_.cluster_id.empty()) {
    properties_.cluster_id = draw_uuid(env.random, key("cluster.id")).to_string();
  }
  formatted_now_ = true;
  const std::string text = properties_.to_text();
  return env::replace_file(task, env.disk, fmt::format("{}/{}", path_, kFileName), as_bytes(text));
}

Result<std::unique_ptr<DataDirectory>> DataDirectory::open(env::Task& task, env::Env& env,
                                                           std::string path, NodeId node,
                                                           std::optional<std::string> cluster_id) {
  auto made = env::make_directories(task, env.disk, path);
  if (!made) return std::unexpected(made.error().in(path));
  std::unique_ptr<DataDirectory> out(new DataDirectory(std::move(path)));
  TRY(out->lock(task, env.disk));
  const std::string file = fmt::format("{}/{}", out->path_, kFileName);
  auto text = env::read_file(task, env.disk, file, kFileSizeMax);
  if (!text && text.error() == ErrorCode::not_found) {
    TRY(out->format(task, env, node, cluster_id.value_or("")));
    return out;
  }
  if (!text) return std::unexpected(text.error().in(file));
  auto properties = MetaProperties::parse(as_text(*text));
  if (!properties) return std::unexpected(properties.error().in(out->path_));
  out->properties_ = *properties;
  if (out->properties_.node != node) {
    return fail(ErrorCode::invalid,
                fmt::format("{}: belongs to node.id={}, this is node.id={}", out->path_,
                            out->properties_.node.value(), node.value()));
  }
  if (cluster_id && *cluster_id != out->properties_.cluster_id) {
    return fail(ErrorCode::invalid, fmt::format("{}: belongs to cluster {}, not {}", out->path_,
                                                out->properties_.cluster_id, *cluster_id));
  }
  return out;
}

}  // namespace flux::controller
