#include "core/log/producer_state.h"

#include <string>
#include <utility>

#include "core/base/mark.h"
#include "core/base/mutant.h"

namespace flux::log {

using record::BatchView;

namespace {
// As they look in three bits: what a planted bug compares.
bool alike(const ProducerBatch& kept, const BatchView& batch) {
  const std::int32_t first = kept.first.value() ^ batch.base_sequence().value();
  const std::int32_t last = kept.last.value() ^ batch.last_sequence().value();
  return ((first | last) & 7) == 0;
}
}  // namespace

std::optional<ProducerBatch> ProducerState::find_duplicate(const BatchView& batch) const {
  const Producer* producer = find(batch.producer_id());
  if (!producer || producer->epoch != batch.producer_epoch()) return std::nullopt;
  for (const ProducerBatch& kept : producer->batches) {
    if (MUTANT("log.dedup_window_of_one") && kept != producer->batches.back()) continue;
    if (MUTANT("log.sequence_compared_short") && alike(kept, batch)) return kept;
    if (kept.first == batch.base_sequence() && kept.last == batch.last_sequence()) return kept;
  }
  return std::nullopt;
}

Result<void> ProducerState::check(const BatchView& batch, const Producer* pending) const {
  if (batch.producer_id() == kNoProducerId) return {};
  const Producer* producer = pending ? pending : find(batch.producer_id());
  // Nothing known, perhaps because its batches have been deleted: any sequence may come first.
  if (!producer) return {};
  const std::string who = "producer " + std::to_string(batch.producer_id().value()) + " epoch " +
                          std::to_string(batch.producer_epoch().value());
  if (batch.producer_epoch() < producer->epoch) {
    REACHED("log.producer_fenced");
    return fail(ErrorCode::invalid_producer_epoch,
                who + ": epoch " + std::to_string(producer->epoch.value()) + " is known");
  }
  const Sequence first = batch.base_sequence();
  Sequence expected{0};
  if (batch.producer_epoch() == producer->epoch && !producer->batches.empty()) {
    expected = record::sequence_after(producer->batches.back().last);
  }
  const bool repeats = first < expected && MUTANT("log.dedup_window_of_one");
  if (first != expected && !repeats && !MUTANT("log.accept_sequence_gap")) {
    REACHED("log.producer_gap");
    return fail(ErrorCode::out_of_order_sequence,
                who + ": sequence " + std::to_string(first.value()) + " where " +
                    std::to_string(expected.value()) + " is next");
  }
  return {};
}

void ProducerState::fold(Producer& producer, const BatchView& batch, Offset base_offset) const {
  if (batch.producer_epoch() != producer.epoch) {
    if (producer.epoch != kNoProducerEpoch) REACHED("log.producer_epoch_bump");
    producer.epoch = batch.producer_epoch();
    producer.batches.clear();
  }
  if (batch.base_sequence() == kNoSequence) return;  // a transaction's marker
  producer.batches.push_back({.first = batch.base_sequence(),
                              .last = batch.last_sequence(),
                              .base_offset = base_offset,
                              .last_offset_delta = batch.last_offset_delta(),
                              .timestamp = batch.max_timestamp()});
  keep_newest(producer);
}

void ProducerState::keep_newest(Producer& producer) const {
  if (producer.batches.size() <= batches_kept_) return;
  const std::size_t surplus = producer.batches.size() - batches_kept_;
  producer.batches.erase(producer.batches.begin(),
                         producer.batches.begin() + static_cast<std::ptrdiff_t>(surplus));
}

void ProducerState::apply(const BatchView& batch, Offset base_offset) {
  if (batch.producer_id() == kNoProducerId) return;
  fold(producers_[batch.producer_id()], batch, base_offset);
}

void ProducerState::restore(ProducerId id, Producer producer) {
  keep_newest(producer);
  producers_[id] = std::move(producer);
}

void ProducerState::hear(ProducerId id, Instant when) {
  if (!producers_.contains(id)) return;
  const auto [at, first] = heard_.try_emplace(id, when);
  if (!first) by_time_.erase({at->second, id});
  at->second = when;
  by_time_.insert({when, id});
}

bool ProducerState::forget_silent(Instant horizon) {
  const auto more = [&] { return !by_time_.empty() && by_time_.begin()->first <= horizon; };
  for (int i = 0; i < kForgottenAtOnce && more(); ++i) {
    REACHED("log.producer_forgotten");
    const ProducerId id = by_time_.begin()->second;
    by_time_.erase(by_time_.begin());
    heard_.erase(id);
    producers_.erase(id);
  }
  return more();
}

Producer ProducerState::preview(const Producer* before, const BatchView& batch,
                                Offset base_offset) const {
  Producer out;
  if (before) out = *before;
  fold(out, batch, base_offset);
  return out;
}

const Producer* ProducerState::find(ProducerId id) const {
  const auto at = producers_.find(id);
  return at == producers_.end() ? nullptr : &at->second;
}

}  // namespace flux::log
