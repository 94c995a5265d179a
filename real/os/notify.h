// Tells the service manager how the daemon is, as sd_notify(3) does, without its library.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace flux::os {

// "READY=1", "STOPPING=1" to the socket that NOTIFY_SOCKET named: a path, or a name that begins
// with '@'. Does not wait.
Result<void> notify(const std::string& socket, std::string_view state);

}  // namespace flux::os
