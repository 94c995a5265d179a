// Seam: the rolling hash over everything that passes between nodes and the world.
//
// Each input to a node (bytes read, a connection accepted, a completion, a timer) and each effect
// of it (bytes written, a file operation) is one SeamEvent. The hash covers time, process, kind and
// the event's fields and payload digest; it does not depend on tracing. Two runs are the same run
// exactly if their hashes are equal; checkpoints tell where two runs part.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "sim/world/time.h"

namespace flux::sim {

// Values are part of the hash: append only.
enum class SeamKind : std::uint8_t {
  start = 1,         // a process starts; a: incarnation
  end = 2,           // a process ends; a: how
  mark_fault = 3,    // a fault takes effect; a: fault, b: target
  listen = 10,       // a: port, b: result
  connect = 11,      // a: connection, b: result
  accept = 12,       // a: connection, b: result
  write = 13,        // a: connection, b: offset; digest of the bytes
  read = 14,         // a: connection, b: offset; digest of the bytes
  shut = 15,         // a: connection, b: which way
  net_error = 16,    // a: connection, b: error code
  disk_call = 20,    // a: file or name, b: offset or argument; digest of the bytes
  disk_result = 21,  // a: file or name, b: result; digest of the bytes
  draw = 30,         // a: key, b: value
  clock = 31,   // a: which clock, b: reading (wall clock only; monotonic time is in every event)
  output = 40,  // a workload's own observation; a, b and digest are its own
};
bool is_seam_kind(SeamKind kind);  // of a number that was read
std::string_view name_of(SeamKind kind);
// What a and b mean, for reports.
std::string_view name_of_a(SeamKind kind);
std::string_view name_of_b(SeamKind kind);

struct SeamEvent {
  std::uint64_t index = 0;  // of the run, from 0
  Time at;
  std::uint32_t process = 0;
  SeamKind kind = SeamKind::start;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint64_t digest = 0;

  friend bool operator==(const SeamEvent&, const SeamEvent&) = default;
};

class Seam {
 public:
  static constexpr std::uint64_t kCheckpointEvery = 1024;
  using Watcher = std::move_only_function<void(const SeamEvent&)>;

  // Folds the event into the run's hash and into `process_hash`.
  void fold(std::uint64_t& process_hash, std::uint32_t process, Time at, SeamKind kind,
            std::uint64_t a, std::uint64_t b, std::uint64_t digest) {
    const std::uint64_t one = multiply(static_cast<std::uint64_t>(at.ns()) + kK1,
                                       (a + kK2) ^ static_cast<std::uint64_t>(kind) << 56);
    const std::uint64_t two = multiply(b + kK3, digest + kK4);
    process_hash = multiply((process_hash ^ one) + kK2, two ^ kK1);
    hash_ = multiply((hash_ ^ process_hash) + process + kK3, kK4);
    if (++count_ % kCheckpointEvery == 0 || watching_) [[unlikely]] {
      note({count_ - 1, at, process, kind, a, b, digest});
    }
  }

  std::uint64_t hash() const { return hash_; }
  std::uint64_t count() const { return count_; }
  // Hash after each kCheckpointEvery events.
  const std::vector<std::uint64_t>& checkpoints() const { return checkpoints_; }

  // Shows events [first, last) as they are folded.
  void watch(std::uint64_t first, std::uint64_t last, Watcher watcher);

 private:
  static constexpr std::uint64_t kK1 = 0xA0761D6478BD642FULL;
  static constexpr std::uint64_t kK2 = 0xE7037ED1A0B428DBULL;
  static constexpr std::uint64_t kK3 = 0x8EBC6AF09C88C6E3ULL;
  static constexpr std::uint64_t kK4 = 0x589965CC75374CC3ULL;
  // The two halves of the product, folded: one multiplication spreads all bits of both.
  static std::uint64_t multiply(std::uint64_t x, std::uint64_t y) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(x) * y;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  void note(const SeamEvent& event);

  std::uint64_t hash_ = kK1;
  std::uint64_t count_ = 0;
  bool watching_ = false;
  std::uint64_t watch_first_ = 0;
  std::uint64_t watch_last_ = 0;
  Watcher watcher_;
  std::vector<std::uint64_t> checkpoints_;
};

}  // namespace flux::sim
