#include "sim/env/pipe.h"

#include <algorithm>

#include "sim/env/sim_network.h"
#include "sim/world/world.h"

namespace flux::sim {
namespace {
constexpr Key kDelay = key("net.delay");
constexpr Key kTail = key("net.tail");
constexpr Key kTailLength = key("net.tail_length");
constexpr Key kLoss = key("net.loss");
constexpr Key kDuplicate = key("net.duplicate");
constexpr Key kReorder = key("net.reorder");
constexpr Key kRetransmit = key("net.retransmit");

Duration uniform(Decisions& decisions, Key key, Duration low, Duration high, const char* label) {
  const auto span = static_cast<std::uint64_t>((high - low).ns());
  return low + Duration(static_cast<std::int64_t>(decisions.draw(key, span + 1, label)));
}
}  // namespace

Pipe::Pipe(SimNetwork& network, Link& link, Key key, const LinkRule& rule)
    : network_(network), link_(link), rule_(&rule), key_(key) {}

std::size_t Pipe::room() const {
  const std::uint64_t used = ring_.end() - ring_.begin();
  const std::uint64_t window = network_.habits().window_bytes;
  return used >= window ? 0 : static_cast<std::size_t>(window - used);
}

Duration Pipe::delay(std::uint64_t offset, std::size_t bytes) {
  Decisions& decisions = network_.world().decisions();
  const Key here = key_.with(offset);
  Duration wait = uniform(decisions, here.with(kDelay.value), rule_->latency_min,
                          rule_->latency_max, "net.delay");
  if (decisions.chance(here.with(kTail.value), rule_->tail, "net.tail")) {
    network_.count(NetworkCounter::tail);
    wait += uniform(decisions, here.with(kTailLength.value), Duration(), rule_->tail_max,
                    "net.tail_length");
  }
  // Each retransmission may be lost as well, and waits twice as long.
  Duration again = network_.habits().retransmit_min;
  Key attempt = here.with(kLoss.value);
  for (int i = 0; i < 6 && decisions.chance(attempt, rule_->loss, "net.loss"); ++i) {
    network_.count(NetworkCounter::loss);
    wait += again;
    again = again * 2;
    attempt = attempt.with(1);
  }
  if (decisions.chance(here.with(kReorder.value), rule_->reorder, "net.reorder")) {
    network_.count(NetworkCounter::reorder);
    wait += rule_->latency_max * 3;
  }
  if (rule_->bytes_per_second != 0) {
    const bool twice =
        decisions.chance(here.with(kDuplicate.value), rule_->duplicate, "net.duplicate");
    if (twice) network_.count(NetworkCounter::duplicate);
    const auto ns = static_cast<std::int64_t>(bytes * (twice ? 2 : 1) * 1'000'000'000 /
                                              rule_->bytes_per_second);
    const Time now = network_.world().now();
    wire_free_ = std::max(wire_free_, now) + Duration(ns);
    wait += wire_free_ - now;
  }
  return wait;
}

void Pipe::write(ByteView bytes, Time at) {
  const std::uint64_t offset = ring_.end();
  const Time arrival = std::max(at + delay(offset, bytes.size()), last_arrival_);
  ring_.append(bytes);
  last_arrival_ = arrival;
  const auto size = static_cast<std::uint32_t>(bytes.size());
  if (!segments_.empty() && segments_.back().at == arrival) {
    // It waits for the one before it anyway: one delivery serves both.
    segments_.back().end = ring_.end();
    segments_.back().cause = last_send_;
    segments_.back().bytes = std::max(segments_.back().bytes, size);
  } else {
    segments_.push({ring_.end(), arrival, last_send_, size});
  }
  schedule();
}

void Pipe::finish(Time at) {
  if (end_sent_) return;
  end_sent_ = true;
  last_arrival_ = std::max(at + delay(ring_.end(), 0), last_arrival_);
  segments_.push({ring_.end(), last_arrival_, network_.world().cause(), 0});
  schedule();
}

void Pipe::read(MutBytes into) {
  const bool was_full = room() == 0;
  ring_.take(into);
  if (was_full && !writer.none() && !room_scheduled_) {
    room_scheduled_ = true;
    network_.world().at(network_.world().now() + rule_->latency_min, *this, kRoom);
  }
}

bool Pipe::passes(std::size_t bytes) const {
  if (rule_->blocks(link_.port())) return false;
  return rule_->black_hole_above_bytes == 0 || bytes <= rule_->black_hole_above_bytes;
}

void Pipe::schedule() {
  if (scheduled_ || held_ || segments_.empty()) return;
  scheduled_ = true;
  network_.world().at(segments_.front().at, *this, kDeliver);
}

void Pipe::hold() {
  held_ = true;
  held_since_ = network_.world().now();
  ++stalls_;
  network_.count(NetworkCounter::held);
  network_.world().at(held_since_ + network_.habits().data_give_up, *this, kGiveUp);
}

void Pipe::release() {
  if (!held_ || segments_.empty() || !passes(segments_.front().bytes)) return;
  held_ = false;
  // The sender has been trying at growing intervals; the next try is somewhere ahead.
  Decisions& decisions = network_.world().decisions();
  const Duration wait = uniform(decisions, key_.with(kRetransmit.value).with(stalls_), Duration(),
                                network_.habits().retransmit_min, "net.retransmit");
  const Time at = network_.world().now() + wait;
  segments_.for_each([&](Segment& segment) { segment.at = std::max(segment.at, at); });
  last_arrival_ = std::max(last_arrival_, at);
  schedule();
}

void Pipe::deliver() {
  const Time now = network_.world().now();
  const std::uint64_t from = arrived_;
  std::uint64_t cause = 0;
  while (!segments_.empty() && segments_.front().at <= now) {
    if (!passes(segments_.front().bytes)) {
      hold();
      break;
    }
    arrived_ = segments_.front().end;
    cause = segments_.front().cause;
    segments_.pop();
  }
  if (segments_.empty() && end_sent_) end_arrived_ = true;
  if (arrived_ != from || end_arrived_) {
    network_.delivered(link_, *this, from, arrived_, cause);
  }
  schedule();
}

// Delivering wakes the reader: its fiber, and then its frames.
void Pipe::approach(Nearness nearness) {
  if (nearness == Nearness::soon) return __builtin_prefetch(&link_, 1);
  Process* process = link_.end(link_.reader_of(*this)).process;
  if (!process->alive()) return;
  using Approach = fiber::RunLoop::Approach;
  process->loop().approach(reader, nearness == Nearness::next ? Approach::frames : Approach::fiber);
}

void Pipe::fire(std::uint64_t argument) {
  switch (argument) {
    case kDeliver:
      scheduled_ = false;
      if (!cut_) deliver();
      break;
    case kRoom:
      room_scheduled_ = false;
      network_.room_again(link_, *this);
      break;
    case kGiveUp:
      if (held_ && network_.world().now() - held_since_ >= network_.habits().data_give_up) {
        network_.give_up(link_);
      }
      break;
    default:
      UNREACHABLE("a pipe's event");
  }
}

}  // namespace flux::sim
