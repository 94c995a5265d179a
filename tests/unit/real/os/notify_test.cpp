#include "real/os/notify.h"

#include <array>
#include <cstring>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "real/os/fd.h"

namespace flux::os {
namespace {

// A service manager's end, under a name outside of the file system.
class Manager {
 public:
  Manager() : name_("@flux-notify-test-" + std::to_string(::getpid())) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, name_.data(), name_.size());
    at.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&at), length), 0);
  }
  const std::string& name() const { return name_; }
  std::string heard() {
    std::array<char, 64> text{};
    const ssize_t size = ::recv(socket_.get(), text.data(), text.size(), MSG_DONTWAIT);
    return size < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(size));
  }

 private:
  std::string name_;
  Fd socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

TEST(Notify, IsHeardByTheServiceManager) {
  Manager manager;
  const auto told = notify(manager.name(), "READY=1");
  ASSERT_TRUE(told) << told.error().to_string();
  EXPECT_EQ(manager.heard(), "READY=1");
}

TEST(Notify, FailsWhereNobodyListens) {
  EXPECT_FALSE(notify("@flux-notify-test-nobody", "READY=1"));
  EXPECT_FALSE(notify("/nonexistent/socket", "READY=1"));
  EXPECT_EQ(notify("", "READY=1").error().code(), ErrorCode::invalid);
  EXPECT_EQ(notify(std::string(200, 'x'), "READY=1").error().code(), ErrorCode::invalid);
}

}  // namespace
}  // namespace flux::os
