// Seldom: a line of the log that clients can cause, told once a second at most.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "core/base/time.h"

namespace flux::server {

class Seldom {
 public:
  // How many times it has happened since it was last told, this one too; nothing while it is too
  // early to tell it again.
  std::optional<std::uint64_t> happened(Instant now) {
    ++untold_;
    if (now < quiet_until_) return std::nullopt;
    quiet_until_ = now + seconds(1);
    return std::exchange(untold_, 0);
  }

 private:
  Instant quiet_until_;
  std::uint64_t untold_ = 0;
};

}  // namespace flux::server
