#include "tests/bench/broker_load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace flux::load {

namespace {

constexpr unsigned kPartBits = 7;
constexpr std::uint64_t kParts = 1u << kPartBits;
constexpr std::size_t kBuckets = (64 - kPartBits + 1) * kParts;

std::size_t bucket_of(std::uint64_t value) {
  if (value < kParts) return static_cast<std::size_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - kPartBits - 1;
  return static_cast<std::size_t>(shift * kParts + (value >> shift));
}

// The largest value that falls into it.
std::uint64_t end_of(std::size_t bucket) {
  if (bucket < kParts) return bucket;
  const std::uint64_t shift = bucket / kParts - 1;
  const std::uint64_t part = bucket - shift * kParts;
  return ((part + 1) << shift) - 1;
}

}  // namespace

Histogram::Histogram() : buckets_(kBuckets) {}

void Histogram::add(std::uint64_t nanoseconds) {
  ++buckets_[bucket_of(nanoseconds)];
  ++count_;
  max_ = std::max(max_, nanoseconds);
}

std::uint64_t Histogram::at(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen > 0 && seen >= wanted) return std::min(end_of(bucket), max_);
  }
  return max_;
}

}  // namespace flux::load
