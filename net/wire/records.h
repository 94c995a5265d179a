// Records: the record batches inside a message, as a reference to where they already are.
//
// The codec never copies a batch: a decoded message points into its frame, and an encoded one
// leaves the batches as a piece of the output (writer.h). So whoever holds a Records keeps alive
// what it refers to: the frame, the buffer or the open file.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"

namespace flux::env {
class File;
}

namespace flux::wire {

// Bytes [offset, offset + length) of an open file. Only env::Connection::send_range looks inside.
struct FileRange {
  env::File* file = nullptr;
  std::uint64_t offset = 0;
  std::size_t length = 0;

  friend bool operator==(const FileRange&, const FileRange&) = default;
};

// Nothing (null on the wire), bytes in memory, or bytes in a file.
class Records {
 public:
  Records() = default;
  explicit Records(ByteView bytes) : kind_(Kind::memory), bytes_(bytes) {}
  explicit Records(const FileRange& range) : kind_(Kind::file), range_(range) {}

  bool is_null() const { return kind_ == Kind::null; }
  bool is_file() const { return kind_ == Kind::file; }
  std::size_t size() const { return is_file() ? range_.length : bytes_.size(); }

  // Empty when null; must not be called on a file range.
  ByteView bytes() const;
  const FileRange& file_range() const;

  // By content in memory, by place in a file.
  friend bool operator==(const Records& a, const Records& b) {
    return a.kind_ == b.kind_ && a.range_ == b.range_ && equal(a.bytes_, b.bytes_);
  }

 private:
  enum class Kind : std::uint8_t { null, memory, file };

  Kind kind_ = Kind::null;
  ByteView bytes_;
  FileRange range_;
};

}  // namespace flux::wire
