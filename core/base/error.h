// The one table of things that can go wrong, and the type that carries them.
//
// A code is added only when somebody reacts to it differently. The detail is for a person: it names
// what was wrong and, for bad input, what is allowed. Kafka's wire codes are mapped from these in
// net/kafka/errors.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace flux {

#define FLUX_ERROR_CODES(X)                                                     \
  /* the caller's fault */                                                      \
  X(invalid, "bad input")                                                       \
  X(unsupported, "not supported")                                               \
  X(too_large, "larger than a limit")                                           \
  X(out_of_range, "outside of what exists")                                     \
  X(exists, "already there")                                                    \
  X(not_found, "not there")                                                     \
  X(permission, "not allowed by the operating system")                          \
  X(locked, "in use by another process")                                        \
  /* waiting ended without the thing waited for */                              \
  X(timed_out, "the deadline passed")                                           \
  X(cancelled, "the task was told to stop")                                     \
  X(not_available, "not available now")                                         \
  /* bytes */                                                                   \
  X(corrupt, "bytes do not verify")                                             \
  /* network */                                                                 \
  X(refused, "connection refused")                                              \
  X(reset, "connection reset")                                                  \
  X(closed, "connection ended")                                                 \
  X(unreachable, "no route to the peer")                                        \
  X(address_in_use, "address already in use")                                   \
  /* disk and the operating system's limits */                                  \
  X(io_error, "input/output error")                                             \
  X(no_space, "no space left on device")                                        \
  X(too_many_files, "too many open files")                                      \
  X(out_of_memory, "out of memory")                                             \
  /* log and partition */                                                       \
  X(unknown_topic_or_partition, "no such topic or partition")                   \
  X(topic_exists, "topic already exists")                                       \
  X(out_of_order_sequence, "a producer's sequence number has a gap")            \
  X(duplicate_sequence, "a producer's batch is older than the ones remembered") \
  X(invalid_producer_epoch, "a newer producer with this id exists")

enum class ErrorCode : std::uint8_t {
#define X(name, text) name,
  FLUX_ERROR_CODES(X)
#undef X
};

std::string_view name_of(ErrorCode code);
std::string_view describe(ErrorCode code);

class [[nodiscard]] Error {
 public:
  explicit Error(ErrorCode code) : code_(code) {}
  Error(ErrorCode code, std::string detail) : code_(code), detail_(std::move(detail)) {}

  ErrorCode code() const { return code_; }
  const std::string& detail() const { return detail_; }
  // "no_space: writing data/t-0/00000000000000000000.log"
  std::string to_string() const;
  // The same code with what the caller was doing put in front of the detail.
  Error in(std::string_view context) const;

  friend bool operator==(const Error& e, ErrorCode code) { return e.code_ == code; }

 private:
  ErrorCode code_;
  std::string detail_;
};

}  // namespace flux
