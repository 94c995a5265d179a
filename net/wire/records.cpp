#include "net/wire/records.h"

#include "core/base/check.h"

namespace flux::wire {

ByteView Records::bytes() const {
  CHECK(!is_file());
  return bytes_;
}

const FileRange& Records::file_range() const {
  CHECK(is_file());
  return range_;
}

}  // namespace flux::wire
