#include "real/os/os_error.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace flux::os {

ErrorCode code_of_errno(int error_number) {
  switch (error_number) {
    case EINVAL:
    case ENAMETOOLONG:
    case EISDIR:
    case ELOOP:
      return ErrorCode::invalid;
    case EOPNOTSUPP:
    case ENOSYS:
    case EXDEV:
      return ErrorCode::unsupported;
    case EFBIG:
      return ErrorCode::too_large;
    case EEXIST:
    case ENOTEMPTY:
      return ErrorCode::exists;
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::permission;
    case EAGAIN:
    case EBUSY:
    case ETXTBSY:
      return ErrorCode::locked;
    case ETIMEDOUT:
      return ErrorCode::timed_out;
    case ECONNREFUSED:
      return ErrorCode::refused;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
      return ErrorCode::reset;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return ErrorCode::unreachable;
    case EADDRINUSE:
      return ErrorCode::address_in_use;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::no_space;
    case EMFILE:
    case ENFILE:
      return ErrorCode::too_many_files;
    case ENOMEM:
    case ENOBUFS:
      return ErrorCode::out_of_memory;
    default:
      return ErrorCode::io_error;
  }
}

Error os_error(int error_number, std::string_view doing) {
  return os_error(code_of_errno(error_number), error_number, doing);
}

Error os_error(ErrorCode code, int error_number, std::string_view doing) {
  const char* name = strerrorname_np(error_number);
  const char* text = strerrordesc_np(error_number);
  if (name == nullptr || text == nullptr) {
    return Error(code, fmt::format("{}: errno {}", doing, error_number));
  }
  return Error(code, fmt::format("{}: {} ({})", doing, name, text));
}

}  // namespace flux::os
