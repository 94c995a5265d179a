// The one place where an errno becomes an Error. Every Error made here names its errno and what the
// program was doing, for a person to read.
#pragma once

#include <string_view>

#include "core/base/error.h"

namespace flux::os {

// What an errno means where no call gives it a meaning of its own. Any errno is allowed; one that
// the table does not know is io_error.
ErrorCode code_of_errno(int error_number);

// "no_space: writing t-0/0.log: ENOSPC (No space left on device)"
Error os_error(int error_number, std::string_view doing);
// For calls that give an errno a meaning of their own.
Error os_error(ErrorCode code, int error_number, std::string_view doing);

}  // namespace flux::os
