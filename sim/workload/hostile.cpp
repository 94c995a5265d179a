#include "sim/workload/hostile.h"

#include <array>

#include "core/base/check.h"
#include "core/base/hash.h"

namespace flux::sim {
namespace {

constexpr Key kHostile = key("client.hostile");

enum class Trick : std::uint8_t {
  garbage,      // bytes without a meaning
  half_frame,   // less than the length says, then the end
  huge_length,  // two gigabytes are announced
  negative_length,
  unknown_api,    // a good frame for an API that nobody has
  wrong_version,  // a good frame for a version that nobody has
  cut_body,       // a known API whose body ends early
  silence,        // connects and says nothing
  count_,
};

void append_be(Bytes& to, std::integral auto value) {
  const std::size_t at = to.size();
  to.resize(at + sizeof value);
  store_be(to.data() + at, value);
}

// A frame with a request header of version 1 and `body_bytes` of junk.
Bytes frame(std::int16_t api, std::int16_t version, std::size_t body_bytes, std::uint64_t junk) {
  Bytes body;
  append_be(body, api);
  append_be(body, version);
  append_be(body, std::int32_t{7});
  append_be(body, std::int16_t{-1});
  for (std::size_t i = 0; i < body_bytes; ++i)
    body.push_back(static_cast<std::byte>(mix64(junk + i)));
  Bytes out;
  append_be(out, static_cast<std::int32_t>(body.size()));
  append(out, body);
  return out;
}

Bytes bytes_of(Trick trick, std::uint64_t junk) {
  Bytes out;
  const std::size_t some = 1 + junk % 300;
  switch (trick) {
    case Trick::garbage:
      for (std::size_t i = 0; i < some; ++i) out.push_back(static_cast<std::byte>(mix64(junk + i)));
      return out;
    case Trick::half_frame:
      out = frame(3, 1, some, junk);
      out.resize(out.size() - out.size() / 3 - 1);
      return out;
    case Trick::huge_length:
      append_be(out, std::int32_t{0x7FFFFFFF});
      out.push_back(std::byte{0});
      return out;
    case Trick::negative_length:
      append_be(out, std::int32_t{-5});
      return out;
    case Trick::unknown_api:
      return frame(static_cast<std::int16_t>(900 + junk % 100), 0, some, junk);
    case Trick::wrong_version:
      return frame(static_cast<std::int16_t>(junk % 4), 99, some, junk);
    case Trick::cut_body:
      // Metadata, ListOffsets or CreateTopics; never one whose junk could append a record.
      return frame(std::array<std::int16_t, 3>{3, 2, 19}[junk % 3], 2, junk % 5, junk);
    case Trick::silence:
      return out;
    case Trick::count_:
      break;
  }
  UNREACHABLE("a trick outside of the list");
}

void play(env::Task& task, Session& session, std::uint64_t step) {
  env::Random& random = session.env().random;
  const std::vector<env::Endpoint>& brokers = session.seat().bootstrap();
  const env::Endpoint& to = brokers[random.draw(kHostile.with("to").with(step), brokers.size())];
  const env::DeadlineScope scope(task, session.env().clock.now() + session.spec().request_timeout);
  auto connection = session.env().network.connect(task, to);
  if (!connection) return;
  const auto trick = static_cast<Trick>(
      random.draw(kHostile.with("trick").with(step), static_cast<std::uint64_t>(Trick::count_)));
  const Bytes bytes = bytes_of(trick, random.draw(kHostile.with("junk").with(step), 1'000'000));
  if (!bytes.empty() && !env::write_all(task, **connection, bytes)) return;
  if (random.draw(kHostile.with("rude").with(step), 2) == 0) return;  // gone without a look
  std::array<std::byte, 512> sink;
  while (auto got = (*connection)->read_some(task, sink)) {
    if (*got == 0) return;
  }
}

}  // namespace

void misbehave(env::Task& task, Session& session) {
  if (session.seat().bootstrap().empty()) return;
  for (std::uint64_t step = 0; session.safety(); ++step) {
    play(task, session, step);
    if (task.cancelled() || !session.pause(task, step)) return;
  }
}

void Hostile::run(env::Task& task, env::Env& env, Seat& seat) {
  Session session(env, seat);
  misbehave(task, session);
  seat.done();
}

}  // namespace flux::sim
