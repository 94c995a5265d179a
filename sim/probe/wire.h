// Frames of the probe: a length (4 bytes, of what follows), a code (1), two numbers (8 each),
// bytes. All integers are big-endian. A request and its answer have the same shape.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/env/network.h"

namespace flux::sim::probe {

enum class Code : std::uint8_t {
  append = 1,  // first: client, second: number of the value; bytes: the value
  read = 2,    // first: index
  // Answers.
  done = 10,    // append: first: index. read: first: client, second: number; bytes: the value
  end = 11,     // read: nothing at this index yet
  failed = 12,  // first: an ErrorCode
};

struct Frame {
  Code code = Code::append;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  Bytes bytes;
};

inline constexpr std::size_t kFrameBytesMax = 1 << 20;

Result<void> send(env::Task& task, env::Connection& to, const Frame& frame);
// `closed` when the peer ended the stream between two frames.
Result<Frame> receive(env::Task& task, env::Connection& from);

}  // namespace flux::sim::probe
