// Reader: takes a message apart without ever looking past its end.
//
// Invariants:
//  - The first failure sticks: from then on every call returns zero, empty or null and nothing is
//    left to read, so a decoder runs straight through and asks status() once, at the end.
//  - Nothing is allocated here. count() admits an array only if the bytes that are left could hold
//    it, and charges its memory to a budget for the whole message, so that a few bytes cannot
//    demand gigabytes.
//  - Views that it returns point into the bytes that it was given.
//
// Kafka writes lengths in two ways: fixed-width integers in older versions of a message ("classic")
// and unsigned varints of length + 1 in newer ones ("flexible", which also brings tagged fields).
// set_flexible() chooses; docs/formats/wire.md describes both.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "net/wire/pace.h"

namespace flux::wire {

inline constexpr std::size_t kStringSizeMax = 32'767;

struct ReadLimits {
  std::size_t array_count_max = 1'000'000;  // of one array; Kafka 4.4 has the same limit
  std::size_t tag_count_max = 10'000;       // of one struct, likewise
  std::size_t memory_max = 256u << 20;      // what all arrays and strings of a message may take
  std::size_t memory_unasked = SIZE_MAX;    // beyond it Pace::outgrown() is called
};

class Reader {
 public:
  explicit Reader(ByteView bytes, const ReadLimits& limits = {}) : bytes_(bytes), limits_(limits) {
    end_ = bytes.size();
  }

  // Outlives the reading. A reader without one never pauses.
  void set_pace(Pace* pace) { pace_ = pace; }
  void work(std::size_t amount) {
    work_ += amount;
    if (work_ >= kPaceWork) [[unlikely]]
      tell_work();
  }

  void limit_memory(std::size_t max, std::size_t unasked) {
    limits_.memory_max = max;
    limits_.memory_unasked = unasked;
  }

  bool flexible() const { return flexible_; }
  void set_flexible(bool flexible) { flexible_ = flexible; }

  bool ok() const { return what_ == nullptr; }
  // What went wrong, where and with which number; an empty Result while nothing did.
  Result<> status() const;
  // `what` is a literal. Later failures are consequences of the first and are ignored.
  void fail(ErrorCode code, const char* what, std::int64_t number = 0);

  std::size_t position() const { return at_; }
  std::size_t remaining() const { return end_ - at_; }

  template <std::integral T>
  T integer() {
    const std::byte* from = take(sizeof(T));
    return from == nullptr ? T{} : load_be<T>(from);
  }
  bool boolean() { return integer<std::uint8_t>() != 0; }
  Uuid uuid();

  std::uint32_t unsigned_varint();
  std::uint64_t unsigned_varlong();
  // Zigzag: small numbers of either sign are short. Used inside record batches.
  std::int32_t varint();
  std::int64_t varlong();

  // The next `size` bytes as they are.
  ByteView raw(std::size_t size);

  // Nullable forms; nullopt is null (or failure).
  std::optional<std::string_view> text();
  std::optional<ByteView> bytes();
  // A string with a 16-bit length whatever the mode is: the client id of a request header.
  std::optional<std::string_view> classic_text();
  // The length of an array whose elements take at least `wire_size_min` (>= 1) bytes here and
  // `memory_size` bytes once decoded.
  std::optional<std::size_t> count(std::size_t wire_size_min, std::size_t memory_size);

  // A null where the message allows none.
  void fail_null(const char* what) { fail(ErrorCode::invalid, what); }
  // Takes `size` from the memory budget of the message.
  void charge(std::size_t size);
  // A value that was read is a view into the bytes: they must live as long as the value does.
  void note_view() { lent_ = true; }
  bool lent() const { return lent_; }

  std::size_t memory_used() const { return memory_used_; }

 private:
  friend class TagReader;

  // Advances over `size` bytes; nullptr when they are not there.
  const std::byte* take(std::size_t size) {
    if (size > end_ - at_) [[unlikely]] {
      fail_short(size);
      return nullptr;
    }
    const std::byte* from = bytes_.data() + at_;
    at_ += size;
    return from;
  }
  void fail_short(std::size_t size);
  void tell_work();
  // The length in front of a string, a byte field or an array; nullopt is null (or failure).
  template <std::signed_integral Classic>
  std::optional<std::size_t> length(bool flexible);
  std::optional<std::string_view> text_as(bool flexible);

  ByteView bytes_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;  // moves inward inside a tagged field and on failure
  ReadLimits limits_;
  std::size_t memory_used_ = 0;
  Pace* pace_ = nullptr;
  std::size_t work_ = 0;
  bool outgrown_ = false;
  bool flexible_ = false;
  bool lent_ = false;

  const char* what_ = nullptr;
  ErrorCode code_ = ErrorCode::invalid;
  std::int64_t number_ = 0;
  std::size_t failed_at_ = 0;
};

// The tagged fields at the end of a flexible struct. A decoder that does not know a tag leaves it
// alone, and the next call of next() skips it:
//
//   for (TagReader tags(from); tags.next();) {
//     switch (tags.tag()) {
//       case 0: get(from, current_leader, version); break;
//       default: tags.skip(); break;
//     }
//   }
class TagReader {
 public:
  explicit TagReader(Reader& from);
  TagReader(const TagReader&) = delete;
  TagReader& operator=(const TagReader&) = delete;

  // Moves to the next field. A field that was read must have been read to its last byte.
  bool next();
  std::uint32_t tag() const { return tag_; }
  void skip();

 private:
  void close();

  Reader& from_;
  std::uint32_t left_ = 0;
  std::uint32_t tag_ = 0;
  bool first_ = true;
  bool open_ = false;
  std::size_t outer_end_ = 0;
};

// Passes over the tagged fields of a struct that knows none.
void skip_tags(Reader& from);

}  // namespace flux::wire
