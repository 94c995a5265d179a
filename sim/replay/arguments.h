// Digests of what a node passes to its calls, and the text forms of what it gets back: the same on
// both sides of a record.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "core/env/disk.h"
#include "core/env/network.h"

namespace flux::sim {

inline std::uint64_t digest_of_text(std::string_view text) { return hash_bytes(as_bytes(text)); }
inline std::uint64_t digest_of_endpoint(const env::Endpoint& at) {
  return combine64(digest_of_text(at.host), at.port);
}

// "local peer", each as host:port.
std::string endpoints_text(const env::Endpoint& local, const env::Endpoint& peer);
bool parse_endpoints(std::string_view text, env::Endpoint& local, env::Endpoint& peer);
// A name a line, directories with a '/' behind.
std::string entries_text(const std::vector<env::DirectoryEntry>& entries);
std::vector<env::DirectoryEntry> parse_entries(std::string_view text);

}  // namespace flux::sim
