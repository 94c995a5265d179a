#include "sim/env/file_image.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"

namespace flux::sim {
namespace {

// New bytes are zero: a buffer's own growth leaves them unset.
void resize_zero(Bytes& bytes, std::uint64_t size) {
  const std::size_t before = bytes.size();
  if (size <= before) return bytes.resize(size);
  bytes.resize(size);
  std::memset(bytes.data() + before, 0, size - before);
}

void put(Bytes& bytes, std::uint64_t offset, ByteView from) {
  if (from.empty()) return;
  if (offset > bytes.size()) resize_zero(bytes, offset);
  const std::size_t inside = std::min<std::size_t>(from.size(), bytes.size() - offset);
  if (inside != 0) std::memcpy(bytes.data() + offset, from.data(), inside);
  append(bytes, from.subspan(inside));
}

}  // namespace

std::size_t FileImage::read(std::uint64_t offset, MutBytes into) const {
  if (offset >= cache_.size() || into.empty()) return 0;
  const std::size_t count = std::min<std::uint64_t>(into.size(), cache_.size() - offset);
  std::memcpy(into.data(), cache_.data() + offset, count);
  return count;
}

void FileImage::split() {
  if (split_) return;
  durable_ = to_bytes(durable());
  split_ = true;
}

void FileImage::push(const Change& change) {
  pending_.push_back(change);
  pending_.back().sequence = ++sequence_;
  if (change.data != kNoData) dirty_bytes_ += change.range.size();
}

void FileImage::write(std::uint64_t offset, ByteView from, Time at) {
  if (from.empty()) return;
  if (offset < durable_size()) split();
  put(cache_, offset, from);
  const ByteRange range{offset, offset + from.size()};
  push({range, 0, cache_.size(), data_.size(), at});
  append(data_, from);
}

void FileImage::truncate(std::uint64_t size, Time at) {
  const std::uint64_t before = cache_.size();
  if (size == before) return;
  if (size < durable_size()) split();
  resize_zero(cache_, size);
  push({{std::min(size, before), before}, 0, size, kNoData, at});
}

void FileImage::apply(const Change& change) {
  if (change.data == kNoData) {
    resize_zero(durable_, change.size_after);
  } else {
    put(durable_, change.range.begin, {data_.data() + change.data, change.range.size()});
  }
}

// The first `count` changes are no longer pending.
void FileImage::forget(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (pending_[i].data != kNoData) dirty_bytes_ -= pending_[i].range.size();
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
  if (pending_.empty()) {
    data_.clear();
    return;
  }
  // What lies before the oldest change that is left is waste; moved when it is the larger half.
  std::size_t first = data_.size();
  for (const Change& change : pending_) first = std::min(first, change.data);
  if (first <= data_.size() / 2) return;
  data_.erase(data_.begin(), data_.begin() + static_cast<std::ptrdiff_t>(first));
  for (Change& change : pending_) {
    if (change.data != kNoData) change.data -= first;
  }
}

std::size_t FileImage::count_through(std::uint64_t sequence) const {
  std::size_t count = 0;
  while (count < pending_.size() && pending_[count].sequence <= sequence) ++count;
  return count;
}

void FileImage::settle(std::uint64_t through, ByteRanges& settled) {
  const std::size_t count = count_through(through);
  if (count == 0) return;
  const std::uint64_t size = pending_[count - 1].size_after;
  if (!split_) {
    // The durable bytes stay a prefix of the cached ones only if no later change went below.
    for (std::size_t i = count; i < pending_.size() && !split_; ++i) {
      if (pending_[i].range.begin < size) split();
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (split_) apply(pending_[i]);
    remove_range(stranded_, pending_[i].range);
    if (pending_[i].data != kNoData) add_range(settled, pending_[i].range);
  }
  if (!split_) durable_size_ = size;
  forget(count);
}

void FileImage::pending(std::uint64_t through, ByteRanges& ranges) const {
  for (const Change& change : pending_) {
    if (change.sequence > through) break;
    if (change.data != kNoData) add_range(ranges, change.range);
  }
}

void FileImage::strand(std::uint64_t through, ByteRanges& stranded) {
  const std::size_t count = count_through(through);
  if (count == 0) return;
  split();
  for (std::size_t i = 0; i < count; ++i) {
    if (pending_[i].data == kNoData) continue;
    add_range(stranded, pending_[i].range);
    add_range(stranded_, pending_[i].range);
  }
  forget(count);
}

void FileImage::settle_all() {
  durable_.clear();
  durable_.shrink_to_fit();
  split_ = false;
  durable_size_ = cache_.size();
  pending_.clear();
  stranded_.clear();
  data_.clear();
  dirty_bytes_ = 0;
}

std::uint64_t FileImage::last_before(Time at) const {
  std::uint64_t last = 0;
  for (const Change& change : pending_) {
    if (change.at > at) break;
    last = change.sequence;
  }
  return last;
}

// Known only when somebody asks, at a power cut: until then nobody can tell.
bool FileImage::written_back(const Change& change, const PowerCut& cut,
                             Decisions& decisions) const {
  const Duration most = cut.habits.write_back_max;
  if (change.at + most <= cut.at) return true;
  const Key key = cut.key.with("write_back").with(change.sequence);
  if (!decisions.chance(key, cut.habits.write_back, "disk.cut.write_back")) return false;
  const std::uint64_t after = decisions.draw(
      key.with("after"), static_cast<std::uint64_t>(most.ns()) + 1, "disk.cut.write_back_after");
  return change.at + Duration(static_cast<std::int64_t>(after)) <= cut.at;
}

void FileImage::power_cut(const PowerCut& cut, Decisions& decisions, Outcome& outcome) {
  if (pending_.empty() && !split_) return;
  const std::uint64_t size = cache_.size();
  // What was written over it since is lost or not for itself.
  outcome.lost = std::move(stranded_);
  std::vector<PendingChange> changes;
  changes.reserve(pending_.size());
  for (const Change& change : pending_) {
    const std::byte* data = change.data == kNoData ? nullptr : data_.data() + change.data;
    changes.push_back(
        {change.range, data, change.size_after, written_back(change, cut, decisions)});
    remove_range(outcome.lost, change.range);
    if (data && changes.back().written_back) add_range(outcome.written_back, change.range);
  }
  if (changes.empty()) {
    become(durable());
  } else {
    Survivor left = survive(durable(), changes, cut.habits, cut.stale, cut.key, decisions);
    for (const ByteRange range : left.lost) add_range(outcome.lost, range);
    cache_ = std::move(left.content);
    settle_all();
  }
  outcome.resized = cache_.size() != size;
}

void FileImage::become(ByteView content) {
  cache_ = to_bytes(content);
  settle_all();
}

}  // namespace flux::sim
