// ByteRing: the bytes of a stream between two of its offsets, in one buffer that wraps around.
//
// Offsets count from the stream's start and never wrap. The buffer grows as needed and never
// shrinks.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

#include "core/base/bytes.h"
#include "core/base/check.h"

namespace flux::sim {

class ByteRing {
 public:
  std::uint64_t begin() const { return begin_; }
  std::uint64_t end() const { return end_; }

  void append(ByteView from) {
    // An empty ring starts over at the buffer's start, so that a quiet stream keeps to one line.
    if (begin_ == end_) origin_ = end_;
    const std::uint64_t need = end_ - begin_ + from.size();
    if (need > capacity_) grow(need);
    for_pieces(end_, from.size(), [&](std::byte* piece, std::size_t at, std::size_t count) {
      std::memcpy(piece, from.data() + at, count);
    });
    end_ += from.size();
  }

  // Takes the first into.size() bytes out; they must be there.
  void take(MutBytes into) {
    CHECK_LE(into.size(), end_ - begin_);
    for_pieces(begin_, into.size(), [&](const std::byte* piece, std::size_t at, std::size_t count) {
      std::memcpy(into.data() + at, piece, count);
    });
    begin_ += into.size();
  }

 private:
  template <class Body>
  void for_pieces(std::uint64_t offset, std::size_t size, Body&& body) {
    if (size == 0) return;
    const std::size_t place = static_cast<std::size_t>(offset - origin_) & (capacity_ - 1);
    const std::size_t first = std::min(size, capacity_ - place);
    body(buffer_.get() + place, 0, first);
    if (first < size) body(buffer_.get(), first, size - first);
  }

  void grow(std::uint64_t need) {
    const std::size_t wanted =
        std::bit_ceil(std::max<std::size_t>(static_cast<std::size_t>(need), 256));
    auto larger = std::make_unique_for_overwrite<std::byte[]>(wanted);
    for_pieces(begin_, static_cast<std::size_t>(end_ - begin_),
               [&](const std::byte* piece, std::size_t at, std::size_t count) {
                 // Copy to where the same offsets lie in the larger buffer.
                 for (std::size_t i = 0; i < count; ++i) {
                   larger[static_cast<std::size_t>(begin_ - origin_ + at + i) & (wanted - 1)] =
                       piece[i];
                 }
               });
    buffer_ = std::move(larger);
    capacity_ = wanted;
  }

  std::unique_ptr<std::byte[]> buffer_;
  std::size_t capacity_ = 0;  // a power of two, or 0
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t origin_ = 0;  // the offset that lies at the start of the buffer, or that did
};

}  // namespace flux::sim
