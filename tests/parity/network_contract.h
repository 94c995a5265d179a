// What every Network keeps while no fault strikes: streams are equal however they are cut, each
// ending is told as what it is, and an interrupted call loses nothing.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <rapidcheck.h>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "tests/parity/harness.h"

namespace flux::parity {

using ConnectionPtr = std::unique_ptr<env::Connection>;

// Two ends of one connection.
struct Pair {
  ConnectionPtr client;
  ConnectionPtr server;
};

template <class Harness>
Result<std::unique_ptr<env::Listener>> listen(Harness& harness, env::Task& task) {
  return harness.env().network.listen(task, {harness.host(), 0});
}

template <class Harness>
Result<Pair> make_pair(Harness& harness, env::Task& task) {
  const auto listener = TRY(listen(harness, task));
  Result<ConnectionPtr> client = fail(ErrorCode::invalid);
  Children children(task);
  children.spawn("client", [&](env::Task& self) {
    client = harness.env().network.connect(self, listener->local());
  });
  auto server = listener->accept(task);
  children.wait();
  return Pair{TRY(std::move(client)), TRY(std::move(server))};
}

inline Bytes pattern(std::size_t size, std::uint64_t seed) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(mix64(seed + i));
  return out;
}

// Writes all, in pieces of the given sizes, over and over; a size of 0 lets others run.
inline bool write_cut(env::Task& task, env::Connection& to, ByteView from,
                      const std::vector<std::size_t>& sizes) {
  for (std::size_t i = 0; !from.empty(); ++i) {
    const std::size_t size = sizes.empty() ? from.size() : sizes[i % sizes.size()];
    if (size == 0) task.scheduler().yield(task);
    env::yield_if_due(task);  // a thousand tiny pieces are a long run
    const auto count =
        to.write_some(task, from.first(std::clamp<std::size_t>(size, 1, from.size())));
    if (!count) return false;
    from = from.subspan(*count);
  }
  return true;
}

// Reads to the orderly end, by buffers of the given sizes.
inline Result<Bytes> read_cut(env::Task& task, env::Connection& from,
                              const std::vector<std::size_t>& sizes) {
  Bytes out;
  Bytes buffer(70'000);
  for (std::size_t i = 0;; ++i) {
    const std::size_t size = sizes.empty() ? buffer.size() : sizes[i % sizes.size()];
    if (size == 0) task.scheduler().yield(task);
    env::yield_if_due(task);
    const MutBytes into = MutBytes(buffer).first(std::clamp<std::size_t>(size, 1, buffer.size()));
    const std::size_t count = TRY(from.read_some(task, into));
    if (count == 0) return out;
    append(out, into.first(count));
  }
}

template <class Harness>
class NetworkContract : public ContractTest<Harness> {};
TYPED_TEST_SUITE_P(NetworkContract);

TYPED_TEST_P(NetworkContract, StreamsAreEqualHoweverTheyAreCut) {
  const auto sizes = rc::gen::container<std::vector<std::size_t>>(rc::gen::oneOf(
      rc::gen::inRange<std::size_t>(0, 40), rc::gen::inRange<std::size_t>(0, 9'000)));
  const bool held = rc::check("streams", [&] {
    const auto length = *rc::gen::inRange<std::size_t>(0, 60'000);
    const std::array<std::vector<std::size_t>, 4> cuts{*sizes, *sizes, *sizes, *sizes};
    const Verdict verdict = run_in<TypeParam>([&](auto& harness, env::Task& task) -> Verdict {
      const Pair pair = MUST(make_pair(harness, task));
      const Bytes up = pattern(length, 1);
      const Bytes down = pattern(length / 2 + 1, 2);
      bool sent_up = false;
      bool sent_down = false;
      Result<Bytes> got_up = fail(ErrorCode::invalid);
      Result<Bytes> got_down = fail(ErrorCode::invalid);
      Children children(task);
      // Each end reads and writes at the same time.
      children.spawn("up", [&](env::Task& self) {
        sent_up = write_cut(self, *pair.client, up, cuts[0]);
        pair.client->shutdown_write();
      });
      children.spawn("down", [&](env::Task& self) {
        sent_down = write_cut(self, *pair.server, down, cuts[1]);
        pair.server->shutdown_write();
      });
      children.spawn("at server",
                     [&](env::Task& self) { got_up = read_cut(self, *pair.server, cuts[2]); });
      children.spawn("at client",
                     [&](env::Task& self) { got_down = read_cut(self, *pair.client, cuts[3]); });
      children.wait();
      HOLDS(sent_up);
      HOLDS(sent_down);
      HOLDS(equal(MUST(std::move(got_up)), up));
      HOLDS(equal(MUST(std::move(got_down)), down));
      return {};
    });
    if (!verdict.holds()) RC_FAIL(verdict.to_string());
  });
  EXPECT_TRUE(held);
}

TYPED_TEST_P(NetworkContract, EndpointsAndIdsAreTold) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    const auto listener = MUST(listen(harness, task));
    HOLDS(listener->local().port != 0);
    HOLDS(listener->local().host == harness.host());
    FAILS_WITH(address_in_use, harness.env().network.listen(task, listener->local()));
    const Pair one = MUST(make_pair(harness, task));
    const Pair two = MUST(make_pair(harness, task));
    HOLDS(one.client->local() == one.server->peer());
    HOLDS(one.server->local() == one.client->peer());
    HOLDS(one.client->id() != two.client->id());
    HOLDS(one.client->local() != two.client->local());
    return {};
  }));
}

TYPED_TEST_P(NetworkContract, HalfCloseEndsOneDirection) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    const Pair pair = MUST(make_pair(harness, task));
    MUST(env::write_all(task, *pair.client, as_bytes("request")));
    pair.client->shutdown_write();
    FAILS_WITH(closed, pair.client->write_some(task, as_bytes("more")));
    HOLDS(as_text(MUST(read_cut(task, *pair.server, {}))) == "request");
    std::array<std::byte, 8> into{};
    HOLDS(MUST(pair.server->read_some(task, into)) == 0);  // and again
    MUST(env::write_all(task, *pair.server, as_bytes("answer")));
    MUST(env::read_exact(task, *pair.client, MutBytes(into).first(6)));
    HOLDS(as_text(ByteView(into).first(6)) == "answer");
    return {};
  }));
}

TYPED_TEST_P(NetworkContract, WhatWasAcceptedIsSentThoughTheConnectionEnds) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    Pair pair = MUST(make_pair(harness, task));
    const Bytes all = pattern(30'000, 5);
    const std::size_t accepted = MUST(pair.client->write_some(task, all));
    pair.client.reset();
    const Bytes got = MUST(read_cut(task, *pair.server, {}));
    HOLDS(equal(got, ByteView(all).first(accepted)));
    return {};
  }));
}

TYPED_TEST_P(NetworkContract, UnreadInputResetsThePeer) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    Pair pair = MUST(make_pair(harness, task));
    MUST(env::write_all(task, *pair.client, pattern(1'000, 1)));
    std::array<std::byte, 1> into{};
    HOLDS(MUST(pair.server->read_some(task, into)) == 1);
    pair.server.reset();
    // Input that was still on its way lets an orderly end come first; then a write meets the reset.
    Result<std::size_t> met = pair.client->read_some(task, into);
    if (met) HOLDS(*met == 0);
    for (int i = 0; met && i < 1'000; ++i) {
      met = pair.client->write_some(task, as_bytes("x"));
      rest(harness.env(), task, milliseconds(1));
    }
    FAILS_WITH(reset, met);
    // From then on nothing looks like an orderly end.
    FAILS_WITH(reset, pair.client->read_some(task, into));
    FAILS_WITH(reset, pair.client->write_some(task, into));
    return {};
  }));
}

TYPED_TEST_P(NetworkContract, NobodyListeningIsRefused) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    auto listener = MUST(listen(harness, task));
    const env::Endpoint at = listener->local();
    listener.reset();
    FAILS_WITH(refused, harness.env().network.connect(task, at));
    // The address is free again.
    listener = MUST(harness.env().network.listen(task, at));
    HOLDS(listener->local() == at);
    return {};
  }));
}

TYPED_TEST_P(NetworkContract, DeadlinesEndWaitsAndLoseNothing) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Env& env = harness.env();
    const auto listener = MUST(listen(harness, task));
    const Pair pair = MUST(make_pair(harness, task));
    std::array<std::byte, 16> into{};
    for (int i = 0; i < 3; ++i) {
      const Instant until = env.clock.now() + milliseconds(2);
      const env::DeadlineScope scope(task, until);
      FAILS_WITH(timed_out, pair.server->read_some(task, into));
      HOLDS(env.clock.now() >= until);
      FAILS_WITH(timed_out, listener->accept(task));
    }
    MUST(env::write_all(task, *pair.client, as_bytes("late but whole")));
    MUST(env::read_exact(task, *pair.server, MutBytes(into).first(14)));
    HOLDS(as_text(ByteView(into).first(14)) == "late but whole");
    return {};
  }));
}

TYPED_TEST_P(NetworkContract, AWriterIsHeldBackAndMayGiveUp) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Env& env = harness.env();
    const Pair pair = MUST(make_pair(harness, task));
    const Bytes block = pattern(64 * 1024, 9);
    std::size_t accepted = 0;
    Result<std::size_t> last = std::size_t{0};
    {
      const env::DeadlineScope scope(task, env.clock.now() + seconds(5));
      // Nobody reads, so that at some point no more is taken. The task's deadline is far away; one
      // near each write shows that the peer's window is full rather than slow.
      while (last && accepted < (std::size_t{256} << 20)) {
        const env::DeadlineScope near(task, env.clock.now() + milliseconds(100));
        const std::size_t at = accepted % block.size();
        last = pair.client->write_some(task, ByteView(block).subspan(at));
        if (last) accepted += *last;
      }
    }
    FAILS_WITH(timed_out, last);
    pair.client->shutdown_write();
    std::size_t got = 0;
    Bytes into(100'000);
    for (;;) {
      const std::size_t count = MUST(pair.server->read_some(task, into));
      if (count == 0) break;
      for (std::size_t i = 0; i < count; ++i) HOLDS(into[i] == block[(got + i) % block.size()]);
      got += count;
    }
    HOLDS(got == accepted);
    return {};
  }));
}

TYPED_TEST_P(NetworkContract, CancelEndsAReadAndLosesNothing) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Env& env = harness.env();
    const Pair pair = MUST(make_pair(harness, task));
    std::array<std::byte, 16> into{};
    Result<std::size_t> first = std::size_t{0};
    Children children(task);
    const env::TaskHandle reader = children.spawn(
        "reader", [&](env::Task& self) { first = pair.server->read_some(self, into); });
    rest(env, task, milliseconds(1));
    env.scheduler.cancel(reader);
    children.wait();
    FAILS_WITH(cancelled, first);
    MUST(env::write_all(task, *pair.client, as_bytes("after")));
    MUST(env::read_exact(task, *pair.server, MutBytes(into).first(5)));
    HOLDS(as_text(ByteView(into).first(5)) == "after");
    return {};
  }));
}

TYPED_TEST_P(NetworkContract, CloseWakesWhoeverWaits) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    const Pair pair = MUST(make_pair(harness, task));
    std::array<std::byte, 16> into{};
    Result<std::size_t> read = std::size_t{0};
    Children children(task);
    children.spawn("reader", [&](env::Task& self) { read = pair.server->read_some(self, into); });
    rest(harness.env(), task, milliseconds(1));
    pair.server->close();
    children.wait();
    FAILS_WITH(closed, read);
    FAILS_WITH(closed, pair.server->read_some(task, into));
    FAILS_WITH(closed, pair.server->write_some(task, into));
    pair.server->close();  // and again
    HOLDS(MUST(pair.client->read_some(task, into)) == 0);
    return {};
  }));
}

TYPED_TEST_P(NetworkContract, AcceptCanBeCancelled) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    const auto listener = MUST(listen(harness, task));
    Result<ConnectionPtr> accepted = ConnectionPtr();
    Children children(task);
    const env::TaskHandle acceptor =
        children.spawn("acceptor", [&](env::Task& self) { accepted = listener->accept(self); });
    rest(harness.env(), task, milliseconds(1));
    harness.env().scheduler.cancel(acceptor);
    children.wait();
    FAILS_WITH(cancelled, accepted);
    return {};
  }));
}

TYPED_TEST_P(NetworkContract, FileRangesAreSentAsTheyAre) {
  const bool held = rc::check("ranges", [] {
    const auto size = *rc::gen::inRange<std::uint64_t>(1, 700'000);
    const auto start = *rc::gen::inRange<std::uint64_t>(0, size);
    const auto length = *rc::gen::inRange<std::uint64_t>(1, size - start + 1);
    const Verdict verdict = run_in<TypeParam>([&](auto& harness, env::Task& task) -> Verdict {
      const Pair pair = MUST(make_pair(harness, task));
      const auto file = MUST(harness.env().disk.open(task, "f", env::Open::create_new));
      const Bytes content = pattern(size, 3);
      MUST(file->write_at(task, 0, content));
      Result<void> sent = fail(ErrorCode::invalid);
      Children children(task);
      children.spawn("sender", [&](env::Task& self) {
        sent = env::send_range_all(self, *pair.client, *file, start, length);
        pair.client->shutdown_write();
      });
      const Bytes got = MUST(read_cut(task, *pair.server, {}));
      children.wait();
      MUST(sent);
      HOLDS(equal(got, ByteView(content).subspan(start, length)));
      return {};
    });
    if (!verdict.holds()) RC_FAIL(verdict.to_string());
  });
  EXPECT_TRUE(held);
}

TYPED_TEST_P(NetworkContract, AFileThatIsTooShortIsAnError) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    const Pair pair = MUST(make_pair(harness, task));
    const auto file = MUST(harness.env().disk.open(task, "f", env::Open::create_new));
    MUST(file->write_at(task, 0, as_bytes("short")));
    FAILS_WITH(io_error, env::send_range_all(task, *pair.client, *file, 0, 6));
    FAILS_WITH(io_error, pair.client->send_range(task, *file, 5, 1));
    return {};
  }));
}

TYPED_TEST_P(NetworkContract, ManyConnectionsAtOnce) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    constexpr std::size_t kPeers = 40;
    const auto listener = MUST(listen(harness, task));
    std::size_t echoed = 0;
    std::vector<ConnectionPtr> accepted;
    Children children(task);
    for (std::size_t i = 0; i < kPeers; ++i) {
      children.spawn("peer", [&, i](env::Task& self) {
        const auto peer = harness.env().network.connect(self, listener->local());
        if (!peer) return;
        const Bytes message = pattern(3'000 + i, i);
        Bytes back(message.size());
        if (!env::write_all(self, **peer, message)) return;
        if (!env::read_exact(self, **peer, back)) return;
        echoed += equal(message, back) ? 1 : 0;
      });
    }
    for (std::size_t i = 0; i < kPeers; ++i) {
      accepted.push_back(MUST(listener->accept(task)));
      env::Connection& connection = *accepted.back();
      children.spawn("echo", [&connection](env::Task& self) {
        Bytes buffer(2'000);
        for (;;) {
          const auto count = connection.read_some(self, buffer);
          if (!count || *count == 0) return;
          if (!env::write_all(self, connection, ByteView(buffer).first(*count))) return;
        }
      });
    }
    children.wait();
    HOLDS(echoed == kPeers);
    return {};
  }));
}

REGISTER_TYPED_TEST_SUITE_P(NetworkContract, StreamsAreEqualHoweverTheyAreCut,
                            EndpointsAndIdsAreTold, HalfCloseEndsOneDirection,
                            WhatWasAcceptedIsSentThoughTheConnectionEnds, UnreadInputResetsThePeer,
                            NobodyListeningIsRefused, DeadlinesEndWaitsAndLoseNothing,
                            AWriterIsHeldBackAndMayGiveUp, CancelEndsAReadAndLosesNothing,
                            CloseWakesWhoeverWaits, AcceptCanBeCancelled,
                            FileRangesAreSentAsTheyAre, AFileThatIsTooShortIsAnError,
                            ManyConnectionsAtOnce);

}  // namespace flux::parity
