// Writer: puts a message together as bytes of its own and references to record batches elsewhere.
//
// Invariants:
//  - The first failure sticks; what was written is then of no use, and status() says why.
//  - segments() in order is the message. Small batches in memory are copied in, since one more
//    piece costs more than the copy; larger ones and file ranges stay where they are and must live
//    until the message is sent.
//  - Lengths that are known late are patched in place: end_frame(), end_tag().
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "net/wire/pace.h"
#include "net/wire/records.h"

namespace flux::wire {

// A batch in memory of at most this size is copied into the message.
inline constexpr std::size_t kCopyRecordsMax = 1024;

// One piece of a message: bytes, or a file range when range.file is set.
struct Segment {
  ByteView bytes;
  FileRange range;

  bool is_file() const { return range.file != nullptr; }
  std::size_t size() const { return is_file() ? range.length : bytes.size(); }
};

class Writer {
 public:
  Writer() = default;
  // Reuses the memory of a buffer whose content is no longer needed.
  explicit Writer(Bytes&& reuse) : bytes_(std::move(reuse)) { bytes_.clear(); }

  // Outlives the writing. A writer without one never pauses.
  void set_pace(Pace* pace) { pace_ = pace; }
  void work(std::size_t amount) {
    work_ += amount;
    if (work_ >= kPaceWork) [[unlikely]]
      tell_work();
  }

  bool flexible() const { return flexible_; }
  void set_flexible(bool flexible) { flexible_ = flexible; }

  bool ok() const { return error_.empty(); }
  Result<> status() const;
  void fail(ErrorCode code, std::string detail);

  template <std::integral T>
  void integer(T value) {
    store_be(grow(sizeof value), value);
  }
  void boolean(bool value) { integer<std::uint8_t>(value ? 1 : 0); }
  void uuid(const Uuid& value);

  void unsigned_varint(std::uint32_t value) { unsigned_varlong(value); }
  void unsigned_varlong(std::uint64_t value);
  void varint(std::int32_t value);
  void varlong(std::int64_t value);

  void raw(ByteView bytes);

  void text(std::string_view value);
  void null_text();
  void bytes(ByteView value);
  void null_bytes();
  // A string with a 16-bit length whatever the mode is: the client id of a request header.
  void classic_text(std::string_view value);
  void null_classic_text() { integer<std::int16_t>(-1); }
  void count(std::size_t elements);
  void null_count();
  void records(const Records& value);

  // The tagged fields that end a flexible struct, in ascending order of tag:
  //   Tags tags = begin_tags();
  //   if (...) { begin_tag(tags, 0); put(...); end_tag(tags); }
  //   end_tags(tags);
  struct Tags {
    std::size_t count_at = 0;
    std::size_t body_at = 0;
    std::uint8_t count = 0;
  };
  Tags begin_tags();
  void begin_tag(Tags& tags, std::uint32_t tag);
  void end_tag(Tags& tags);
  void end_tags(const Tags& tags);
  void no_tags() { integer<std::uint8_t>(0); }

  // The four bytes of length in front of a request or response.
  void begin_frame();
  void end_frame();

  // Bytes of the message so far, references included.
  std::size_t size() const { return bytes_.size() + referenced_; }
  // Valid until the next call that writes.
  std::vector<Segment> segments() const;
  // The whole message in one piece. There must be no file range in it.
  Bytes join() const;
  // As join(), but moves the bytes out when nothing is referenced. The writer is empty afterwards.
  Bytes take();

 private:
  // Referenced bytes belong behind the first `at` bytes of bytes_.
  struct Splice {
    std::size_t at = 0;
    Records records;
  };

  std::byte* grow(std::size_t size) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + size);
    return bytes_.data() + at;
  }

  void tell_work();

  Bytes bytes_;
  Pace* pace_ = nullptr;
  std::size_t work_ = 0;
  std::vector<Splice> splices_;
  std::size_t referenced_ = 0;
  bool flexible_ = false;
  std::string error_;
  ErrorCode code_ = ErrorCode::invalid;
};

}  // namespace flux::wire
