// Pacer: wakes a thread at equal distances, by a timer of the kernel's, never by spinning.
//
// Open loop: a moment that was missed is not left out, and what is sent for it counts from when it
// was meant to be sent.
#pragma once

#include <cstdint>

namespace flux::load {

// A sleeping thread is woken when it said, not up to 50 us later: for this thread and those that it
// starts from here on.
void sleep_exactly();

class Pacer {
 public:
  explicit Pacer(std::uint64_t per_second);
  ~Pacer();
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  // Waits until moments have come; returns how many.
  std::uint64_t wait();
  // When the n-th moment (from 0) was meant to be, on the clock of boot_ns().
  std::uint64_t moment(std::uint64_t n) const {
    return first_ns_ + n * 1'000'000'000 / per_second_;
  }

 private:
  std::uint64_t per_second_;
  std::uint64_t first_ns_;
  std::uint64_t given_ = 0;
  int timer_;
};

}  // namespace flux::load
