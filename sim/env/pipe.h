// Pipe: one direction of a simulated connection, from a writing end to a reading end.
//
// Bytes lie in one ring from the write to the read. What the writer wrote in one call is a segment;
// it arrives at a time drawn for it by (pipe, offset), but never before an earlier one. At most one
// delivery event is on its way. A pipe is owned by its Link and outlives both ends and all its
// events.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/error.h"
#include "core/base/keyed.h"
#include "core/env/task.h"
#include "sim/env/byte_ring.h"
#include "sim/env/network_faults.h"
#include "sim/world/event_queue.h"

namespace flux::sim {

class Link;
class Process;
class SimNetwork;
class World;

struct Segment {
  std::uint64_t end = 0;  // offset after its last byte
  Time at;
  std::uint64_t cause = 0;
  std::uint32_t bytes = 0;
};

// First in, first out; one segment needs no memory of its own.
class SegmentQueue {
 public:
  bool empty() const { return count_ == 0; }
  Segment& front() { return front_; }
  Segment& back() { return rest_.empty() ? front_ : rest_.back(); }
  void push(const Segment& segment) {
    if (count_++ == 0) {
      front_ = segment;
    } else {
      rest_.push_back(segment);
    }
  }
  void pop() {
    if (--count_ > 0) {
      front_ = rest_[next_++];
      if (next_ == rest_.size()) {
        rest_.clear();
        next_ = 0;
      }
    }
  }
  template <class Body>
  void for_each(Body&& body) {
    if (count_ == 0) return;
    body(front_);
    for (std::size_t i = next_; i < rest_.size(); ++i) body(rest_[i]);
  }

 private:
  Segment front_;
  std::uint32_t count_ = 0;
  std::uint32_t next_ = 0;  // in rest_: the one after front_
  std::vector<Segment> rest_;
};

// Aligned, and its members in the order of their use: a large simulation is bound by the cache
// lines that a message touches, and this is three of them.
class alignas(64) Pipe final : public EventTarget {
 public:
  Pipe(SimNetwork& network, Link& link, Key key, const LinkRule& rule);
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  // The writing side. room() is what the window still takes.
  std::size_t room() const;
  void write(ByteView bytes, Time at);
  void finish(Time at);  // an orderly end after what was written
  std::uint64_t written() const { return ring_.end(); }

  // The reading side.
  std::size_t available() const { return static_cast<std::size_t>(arrived_ - ring_.begin()); }
  std::uint64_t read_offset() const { return ring_.begin(); }
  void read(MutBytes into);
  bool ended() const { return end_arrived_ && available() == 0; }
  bool unread() const { return arrived_ != ring_.begin(); }

  // Nothing arrives any more (the reader's side is gone or was reset).
  void cut() { cut_ = true; }
  // The rule changed: look again at what is held back.
  void release();
  bool holds_back() const { return held_; }

  Key key() const { return key_; }
  const LinkRule& rule() const { return *rule_; }
  void set_rule(const LinkRule& rule) { rule_ = &rule; }
  std::uint64_t last_send() const { return last_send_; }
  void set_last_send(std::uint64_t trace_id) { last_send_ = trace_id; }

  // Tasks that wait: for bytes, for room. None when the handle is none.
  env::TaskHandle reader;
  env::TaskHandle writer;

  void fire(std::uint64_t argument) override;
  void approach(Nearness nearness) override;
  // Begins to load what a read or a write touches.
  void load() const {
    for (std::size_t line = 0; line < kHotLines; ++line) {
      __builtin_prefetch(reinterpret_cast<const std::byte*>(this) + line * 64, 1);
    }
  }

 private:
  static constexpr std::size_t kHotLines = 3;
  enum : std::uint64_t { kDeliver = 0, kRoom = 1, kGiveUp = 2 };
  Duration delay(std::uint64_t offset, std::size_t bytes);
  bool passes(std::size_t bytes) const;
  void schedule();
  void hold();
  void deliver();

  SimNetwork& network_;
  Link& link_;
  const LinkRule* rule_;
  Key key_;
  ByteRing ring_;
  std::uint64_t arrived_ = 0;
  SegmentQueue segments_;
  Time last_arrival_;
  std::uint64_t last_send_ = 0;
  bool scheduled_ = false;
  bool room_scheduled_ = false;
  bool held_ = false;
  bool cut_ = false;
  bool end_sent_ = false;
  bool end_arrived_ = false;
  Time wire_free_;  // when the bandwidth limit lets the next segment go
  std::uint64_t stalls_ = 0;
  Time held_since_;
};

}  // namespace flux::sim
