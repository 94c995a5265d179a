#include "real/os/notify.h"

#include <cerrno>
#include <cstddef>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>

#include "real/os/fd.h"
#include "real/os/os_error.h"

namespace flux::os {

Result<void> notify(const std::string& socket, std::string_view state) {
  const std::string doing = "telling " + socket;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (socket.empty() || socket.size() >= sizeof to.sun_path) {
    return fail(ErrorCode::invalid, doing);
  }
  std::memcpy(to.sun_path, socket.data(), socket.size());
  // A name outside of the file system begins with a zero.
  if (socket.starts_with('@')) to.sun_path[0] = '\0';
  const Fd from(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (from.get() < 0) return std::unexpected(os_error(errno, doing));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());
  if (::sendto(from.get(), state.data(), state.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&to), length) < 0) {
    return std::unexpected(os_error(errno, doing));
  }
  return {};
}

}  // namespace flux::os
