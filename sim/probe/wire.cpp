#include "sim/probe/wire.h"

#include <array>

namespace flux::sim::probe {
namespace {
constexpr std::size_t kLength = 4;
constexpr std::size_t kFixed = 1 + 8 + 8;
}  // namespace

Result<void> send(env::Task& task, env::Connection& to, const Frame& frame) {
  Bytes out(kLength + kFixed);
  store_be(out.data(), static_cast<std::uint32_t>(kFixed + frame.bytes.size()));
  out[kLength] = static_cast<std::byte>(frame.code);
  store_be(out.data() + kLength + 1, frame.first);
  store_be(out.data() + kLength + 9, frame.second);
  append(out, frame.bytes);
  return env::write_all(task, to, out);
}

Result<Frame> receive(env::Task& task, env::Connection& from) {
  std::array<std::byte, kLength> head;
  TRY(env::read_exact(task, from, head));
  const auto length = load_be<std::uint32_t>(head.data());
  if (length < kFixed || length > kFrameBytesMax) return fail(ErrorCode::corrupt, "probe frame");
  Bytes body(length);
  TRY(env::read_exact(task, from, body));
  Frame frame;
  frame.code = static_cast<Code>(body[0]);
  frame.first = load_be<std::uint64_t>(body.data() + 1);
  frame.second = load_be<std::uint64_t>(body.data() + 9);
  frame.bytes = to_bytes(ByteView(body).subspan(kFixed));
  return frame;
}

}  // namespace flux::sim::probe
