#include "sim/replay/arguments.h"

#include <utility>

namespace flux::sim {

std::string endpoints_text(const env::Endpoint& local, const env::Endpoint& peer) {
  return local.to_string() + " " + peer.to_string();
}

bool parse_endpoints(std::string_view text, env::Endpoint& local, env::Endpoint& peer) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return false;
  auto first = env::Endpoint::parse(text.substr(0, space));
  auto second = env::Endpoint::parse(text.substr(space + 1));
  if (!first || !second) return false;
  local = std::move(*first);
  peer = std::move(*second);
  return true;
}

std::string entries_text(const std::vector<env::DirectoryEntry>& entries) {
  std::string out;
  for (const env::DirectoryEntry& entry : entries) {
    out += entry.name;
    out += entry.is_directory ? "/\n" : "\n";
  }
  return out;
}

std::vector<env::DirectoryEntry> parse_entries(std::string_view text) {
  std::vector<env::DirectoryEntry> entries;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view name = text.substr(0, end);
    const bool directory = name.ends_with('/');
    if (directory) name.remove_suffix(1);
    entries.push_back({std::string(name), directory});
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return entries;
}

}  // namespace flux::sim
