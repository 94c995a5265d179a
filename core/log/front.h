// What a partition's directory tells about its oldest segment without a log being opened on it.
//
// A hint and nothing else: nothing of it is verified. It says when somebody should look properly.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/result.h"
#include "core/env/env.h"
#include "core/log/config.h"
#include "core/record/batch.h"

namespace flux::log {

struct Front {
  std::uint64_t bytes = 0;        // of all segments, if asked for
  std::uint64_t first_bytes = 0;  // of the oldest
  // In the oldest segment no record is known to be newer. Nothing when nothing tells.
  std::optional<record::Timestamp> newest;

  // The wall clock's time, in milliseconds, at which that segment may have expired; INT64_MAX for
  // never. A time that lies at or before `now_ms` says: look now.
  std::int64_t expires_ms(const Retention& retention, std::int64_t now_ms) const;
};

Result<Front> look_at_front(env::Task& task, env::Disk& disk, std::string_view directory,
                            bool with_bytes);

}  // namespace flux::log
