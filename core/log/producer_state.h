// ProducerState: which batches of idempotent producers a partition holds, so that a batch sent
// twice is stored once.
//
// Pure, and a fold of the log: applying the same batches in the same order gives the same state, on
// every replica and after every recovery, until producers are forgotten. It must never be ahead of
// the log: check() does not change it, and apply() is called only once the batch has been written.
//
// Who has been silent for too long is forgotten (producer.id.expiration.ms), which bounds how many
// are known; one that comes back later may begin with any sequence. Times are the monotonic
// clock's, since a wall clock that jumps must not make a producer's retries new records.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/record/batch.h"

namespace flux::log {

struct ProducerBatch {
  Sequence first;
  Sequence last;
  Offset base_offset;
  std::int32_t last_offset_delta = 0;
  record::Timestamp timestamp = record::kNoTimestamp;  // the batch's largest

  Offset last_offset() const { return base_offset + last_offset_delta; }
  friend bool operator==(const ProducerBatch&, const ProducerBatch&) = default;
};

struct Producer {
  ProducerEpoch epoch = kNoProducerEpoch;
  std::vector<ProducerBatch> batches;  // of this epoch, oldest first

  friend bool operator==(const Producer&, const Producer&) = default;
};

class ProducerState {
 public:
  explicit ProducerState(std::uint32_t batches_kept = 5) : batches_kept_(batches_kept) {}

  // The stored batch that this one repeats, if it is among those remembered.
  std::optional<ProducerBatch> find_duplicate(const record::BatchView& batch) const;

  // Whether a client's batch, not a duplicate, may come next: out_of_order_sequence or
  // invalid_producer_epoch if not. `pending` is what batches earlier in the same append would make
  // of this producer, or null.
  Result<void> check(const record::BatchView& batch, const Producer* pending = nullptr) const;

  // A batch that is in the log. Checks nothing: what is in the log counts.
  void apply(const record::BatchView& batch, Offset base_offset);
  // What apply() would make of one producer.
  Producer preview(const Producer* before, const record::BatchView& batch,
                   Offset base_offset) const;

  const Producer* find(ProducerId id) const;
  std::uint32_t batches_kept() const { return batches_kept_; }
  const std::map<ProducerId, Producer>& producers() const { return producers_; }
  // As a snapshot has it: no more of its batches than are kept.
  void restore(ProducerId id, Producer producer);

  // A producer that is known sent something at that time. Who was never heard is never forgotten.
  void hear(ProducerId id, Instant when);
  // Those last heard at or before `horizon` go, the longest silent first, and some at each call: a
  // million that fell silent together would hold up what comes next. Whether there are more.
  static constexpr int kForgottenAtOnce = 1000;
  bool forget_silent(Instant horizon);

  // By what is known, whenever it was heard.
  friend bool operator==(const ProducerState& a, const ProducerState& b) {
    return a.producers_ == b.producers_;
  }

 private:
  void fold(Producer& producer, const record::BatchView& batch, Offset base_offset) const;
  void keep_newest(Producer& producer) const;

  std::uint32_t batches_kept_;
  std::map<ProducerId, Producer> producers_;
  std::map<ProducerId, Instant> heard_;
  std::set<std::pair<Instant, ProducerId>> by_time_;  // the same, oldest first
};

}  // namespace flux::log
