#include "core/base/error.h"

#include "core/base/check.h"

namespace flux {

std::string_view name_of(ErrorCode code) {
  switch (code) {
#define X(name, text)   \
  case ErrorCode::name: \
    return #name;
    FLUX_ERROR_CODES(X)
#undef X
  }
  UNREACHABLE("an error code outside of the table");
}

std::string_view describe(ErrorCode code) {
  switch (code) {
#define X(name, text)   \
  case ErrorCode::name: \
    return text;
    FLUX_ERROR_CODES(X)
#undef X
  }
  UNREACHABLE("an error code outside of the table");
}

std::string Error::to_string() const {
  std::string out(name_of(code_));
  out += ": ";
  out += detail_.empty() ? describe(code_) : std::string_view(detail_);
  return out;
}

Error Error::in(std::string_view context) const {
  std::string detail(context);
  detail += ": ";
  detail += detail_.empty() ? describe(code_) : std::string_view(detail_);
  return Error(code_, std::move(detail));
}

}  // namespace flux
