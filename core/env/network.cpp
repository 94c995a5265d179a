#include "core/env/network.h"

#include <algorithm>
#include <limits>

namespace flux::env {

std::string Endpoint::to_string() const {
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::invalid, "address '" + std::string(text) + "': " + std::string(why));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("expected host:port");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return bad("'[' without ']'");
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad("an IPv6 address stands in brackets, as in [::1]:9092");
  }
  if (port.empty() || port.size() > 5) return bad("the port is a number from 0 to 65535");
  std::uint32_t number = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') return bad("the port is a number from 0 to 65535");
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (number > std::numeric_limits<std::uint16_t>::max()) {
    return bad("the port is a number from 0 to 65535");
  }
  return Endpoint{std::string(host), static_cast<std::uint16_t>(number)};
}

Result<void> write_all(Task& task, Connection& to, ByteView from) {
  while (!from.empty()) {
    from = from.subspan(TRY(to.write_some(task, from)));
  }
  return {};
}

Result<void> send_range_all(Task& task, Connection& to, File& file, std::uint64_t offset,
                            std::uint64_t length) {
  constexpr std::uint64_t kPieceMax = std::uint64_t{1} << 30;
  while (length > 0) {
    const auto piece = static_cast<std::size_t>(std::min(length, kPieceMax));
    const std::size_t sent = TRY(to.send_range(task, file, offset, piece));
    offset += sent;
    length -= sent;
  }
  return {};
}

Result<void> read_exact(Task& task, Connection& from, MutBytes into) {
  bool first = true;
  while (!into.empty()) {
    const std::size_t count = TRY(from.read_some(task, into));
    if (count == 0) return fail(first ? ErrorCode::closed : ErrorCode::reset);
    into = into.subspan(count);
    first = false;
  }
  return {};
}

}  // namespace flux::env
