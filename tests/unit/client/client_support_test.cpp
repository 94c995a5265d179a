// The fixture itself: what fails inside a process is told by the test, when the process is gone.
#include <gtest/gtest-spi.h>

#include "tests/client_support/client_test.h"

namespace flux::test {
namespace {

TEST_F(ClientTest, AFailureInsideAProcessOutlivesIt) {
  ::testing::TestPartResultArray failures;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &failures);
    with_client([](env::Task&, client::Client&) {
      for (int i = 0; i < 20; ++i) EXPECT_EQ(i, -1) << "number " << i;
    });
  }
  ASSERT_EQ(failures.size(), 20);
  EXPECT_NE(std::string_view(failures.GetTestPartResult(19).message()).find("number 19"),
            std::string_view::npos);
}

}  // namespace
}  // namespace flux::test
