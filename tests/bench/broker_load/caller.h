// Caller: requests over one blocking connection, one at a time, and what the benchmark asks of a
// broker by them: topics, one record a partition, end offsets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace flux::load {

struct Address {
  std::string host;  // dotted decimal
  std::uint16_t port = 0;
};

// "HOST:PORT".
Result<Address> parse_address(const std::string& text);

// A connected socket without Nagle's algorithm.
Result<int> connect_to(const Address& at);

struct Topic {
  std::string name;
  int partitions = 1;
  std::vector<std::string> settings;  // NAME=VALUE
};

class Caller {
 public:
  static Result<Caller> connect(const Address& at);
  ~Caller();
  Caller(Caller&& other) noexcept;
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  // Sends one frame and returns the answer without its length.
  Result<Bytes> exchange(ByteView frame);

  Result<void> create(const std::vector<Topic>& topics);
  Result<void> remove(const std::string& topic);
  // Sends one record of one byte to each partition of `wanted` with acks=all, and leaves there the
  // partitions that did not acknowledge it.
  Result<void> produce_to(const std::string& topic, std::vector<int>& wanted);
  // The sum over all partitions.
  Result<std::int64_t> end_offsets(const Topic& topic);

 private:
  explicit Caller(int socket) : socket_(socket) {}

  template <class Request>
  Result<Bytes> ask(const Request& request, std::int16_t version);

  int socket_;
  std::int32_t correlation_ = 0;
};

// A whole Produce request with acks=all and one record of `value_bytes` zeros, and where in it the
// four bytes of the correlation id stand.
inline constexpr std::size_t kCorrelationAt = 8;
inline constexpr std::int16_t kProduceVersion = 7;
Bytes produce_frame(const std::string& topic, int partition, std::size_t value_bytes);

// Of an answer to it, without its length; the base offset when the broker took the record. The
// answer has a fixed length in this version, so this is cheap enough for each of a million.
Result<std::int64_t> read_produced(ByteView answer, const std::string& topic, int partition);

}  // namespace flux::load
