// Failed expectations inside a simulated process are kept by the test, not by the process.
//
// GoogleTest stores what failed; from inside a process that storage would be on the process's heap,
// which vanishes with it, and the failure too. Include this after gtest.h and before expectations.
#pragma once

#include <gtest/gtest.h>

#include "sim/world/node_heap.h"

namespace flux::test {

class AssertInWorld {
 public:
  AssertInWorld(testing::TestPartResult::Type type, const char* file, int line, const char* message)
      : type_(type), file_(file), line_(line), message_(message) {}

  void operator=(const testing::Message& more) const {
    const sim::WorldScope scope;
    testing::internal::AssertHelper(type_, file_, line_, message_) = more;
  }

 private:
  testing::TestPartResult::Type type_;
  const char* file_;
  int line_;
  const char* message_;
};

}  // namespace flux::test

#undef GTEST_MESSAGE_AT_
#define GTEST_MESSAGE_AT_(file, line, message, result_type) \
  ::flux::test::AssertInWorld(result_type, file, line, message) = ::testing::Message()
