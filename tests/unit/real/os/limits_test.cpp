#include "real/os/limits.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace flux::os {
namespace {

class FileLimitTest : public ::testing::Test {
 protected:
  FileLimitTest() { EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0); }
  ~FileLimitTest() override { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  void set_soft(rlim_t soft) {
    const rlimit limit{soft, before_.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  static rlim_t soft() {
    rlimit limit{};
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur;
  }

  rlimit before_{};
};

TEST_F(FileLimitTest, IsRaisedToWhatTheKernelGrants) {
  ASSERT_GT(before_.rlim_max, 64U);
  set_soft(64);
  const auto raised = raise_file_limit();
  ASSERT_TRUE(raised) << raised.error().to_string();
  EXPECT_EQ(raised->before, 64U);
  EXPECT_EQ(raised->now, before_.rlim_max);
  EXPECT_EQ(soft(), before_.rlim_max);
}

TEST_F(FileLimitTest, OneThatIsAsHighAsItMayBeStays) {
  set_soft(before_.rlim_max);
  const auto raised = raise_file_limit();
  ASSERT_TRUE(raised) << raised.error().to_string();
  EXPECT_EQ(raised->before, raised->now);
  EXPECT_EQ(soft(), before_.rlim_max);
}

}  // namespace
}  // namespace flux::os
