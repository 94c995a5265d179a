// What must hold between the fields of one struct, beyond the form of each.
#pragma once

#include <vector>

#include "core/base/result.h"
#include "net/wiregen/schema.h"

namespace flux::wiregen {

// An error names the field. `message` holds the structs that the fields use.
Result<> validate_fields(const std::vector<Field>& fields, const Message& message,
                         const Versions& flexible);

}  // namespace flux::wiregen
